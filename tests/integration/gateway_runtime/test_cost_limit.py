"""The cost limit over HTTP: refused before anybody is asked, shown on request, with variables, by GET and POST."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.conformance.federation import Federation, federation, sdl
from tests.conformance.subgraph import Subgraph

LISTS = "query($n: Int) { users(first: $n) { id } }"


@asynccontextmanager
async def graph(**cost: Any) -> AsyncIterator[Federation]:
    subgraph = Subgraph(sdl("costs", "people"), {"Query.users": [{"id": "1"}]})
    settings = {"limits": {"cost": {"mode": "enforced", "max": 50, "list_size": 500, **cost}}}
    async with federation("costs", {"people": subgraph}, settings) as served:
        yield served


async def test_an_operation_over_the_limit_reaches_no_subgraph_by_post_or_get() -> None:
    async with graph() as served:
        assert (await served.ask(LISTS, {"n": 50})) == {"data": {"users": [{"id": "1"}]}}
        refused = await served.ask(LISTS, {"n": 51})
        params = {"query": LISTS, "variables": json.dumps({"n": 51})}
        by_get = await served.client.get("/graphql", params=params)
        assert refused == by_get.json()
        assert refused["errors"][0]["extensions"] == {"code": "COST_LIMIT_EXCEEDED", "estimated": 51, "max": 50}
        assert "data" not in refused
        assert served.counts == {}
        too_long = await served.ask(LISTS, {"n": 501})
        assert too_long["errors"][0]["extensions"] == {"code": "LIST_SIZE_LIMIT_EXCEEDED", "size": 501, "max": 500}


async def test_the_estimate_is_shown_to_who_asks_for_it_where_that_is_allowed() -> None:
    async with graph(expose=True) as served:
        shown = await served.ask(LISTS, {"n": 7}, headers={"x-query-cost": "1"})
        assert shown["extensions"] == {"cost": {"estimated": 7, "max": 50}}
        assert "extensions" not in await served.ask(LISTS, {"n": 7})
    async with graph() as served:
        assert "extensions" not in await served.ask(LISTS, {"n": 7}, headers={"x-query-cost": "1"})


async def test_a_measured_operation_is_counted_and_answered() -> None:
    async with graph(mode="measured", max=1) as served:
        before = await _counted(served)
        assert (await served.ask(LISTS, {"n": 5000}))["data"] == {"users": [{"id": "1"}]}
        assert await _counted(served) == before + 5000


async def _counted(served: Federation) -> float:
    """What all operations so far were estimated to cost together."""
    metrics = (await served.client.get("/metrics")).text
    return float(
        next(line.split()[1] for line in metrics.splitlines() if line.startswith("gateway_operation_cost_sum"))
    )

"""Sharing, breaking and timeouts over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import REGISTRY

from tests.conformance.federation import federation, sdl
from tests.conformance.subgraph import Subgraph


def subgraphs(here: Any = "here") -> dict[str, Subgraph]:
    return {
        "one": Subgraph(sdl("shared_roots", "one"), {"Query.here": here, "Query.version": {"major": 1, "one": "1"}}),
        "two": Subgraph(sdl("shared_roots", "two"), {"Query.here": here, "Query.version": {"major": 1, "two": "2"}}),
    }


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it did not happen")


async def test_clients_that_ask_the_same_at_once_share_one_subgraph_request() -> None:
    release = asyncio.Event()

    async def here(_root: object, _info: object) -> str:
        await release.wait()
        return "here"

    async with federation("shared_roots", subgraphs(here), {"forwarding": {"headers": ["x-user"]}}) as graph:

        async def ask(user: str) -> Any:
            return (await graph.client.post("/graphql", json={"query": "{ here }"}, headers={"x-user": user})).json()

        # Once it is prepared, nothing lies between a request's arrival and its joining the one in flight.
        release.set()
        await graph.ask("{ here }")
        release.clear()
        for subgraph in graph.subgraphs.values():
            subgraph.requests.clear()
        tasks = [asyncio.create_task(ask(user)) for user in ("ada", "ada", "ada", "bob")]
        await until(
            lambda: REGISTRY.get_sample_value("gateway_requests_in_flight") == 4 and sum(graph.counts.values()) == 2
        )
        release.set()
        assert await asyncio.gather(*tasks) == [{"data": {"here": "here"}}] * 4
        (count,) = graph.counts.values()
        assert count == 2


async def test_a_subgraph_that_is_gone_is_left_alone_with_a_code_of_its_own() -> None:
    traffic = {
        "all": {"retry": {"attempts": 0}},
        "subgraphs": {"one": {"breaker": {"failures": 2, "open_seconds": 60}}},
    }
    down = frozenset({"one"})
    async with federation("shared_roots", subgraphs(), {"traffic": traffic}, down=down) as graph:
        codes = []
        for _ in range(4):
            answer = await graph.ask("{ version { one two } }")
            assert answer["data"] == {"version": {"one": None, "two": "2"}}
            codes += [error["extensions"]["code"] for error in answer["errors"]]
        assert codes == ["SUBGRAPH_UNAVAILABLE"] * 2 + ["SUBGRAPH_CIRCUIT_OPEN"] * 2
        assert 'gateway_circuit_state{subgraph="one"} 2.0' in (await graph.client.get("/metrics")).text


async def test_each_subgraph_has_its_own_patience() -> None:
    release = asyncio.Event()

    async def slow(_root: object, _info: object) -> dict[str, Any]:
        await release.wait()
        return {"major": 1, "one": "1"}

    served = subgraphs()
    served["one"].fields = {**served["one"].fields, "Query.version": slow}
    async with federation("shared_roots", served, {"traffic": {"subgraphs": {"one": {"timeout": 0.2}}}}) as graph:
        answer = await graph.ask("{ version { one two } }")
        assert answer["data"] == {"version": {"one": None, "two": "2"}}
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["SUBGRAPH_UNAVAILABLE"]
        release.set()

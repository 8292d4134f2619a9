"""A supergraph file that changes while the gateway serves it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from gateway.supergraph.source import SupergraphFile
from tests.conformance.federation import FIXTURES, Federation, federation, sdl
from tests.conformance.subgraph import Subgraph

OLD = (FIXTURES / "shared_roots" / "supergraph.graphql").read_text()
NEW = OLD.replace("  here: String\n", "  here: String\n  there: String @join__field(graph: ONE)\n")
WITHOUT_HERE = OLD.replace("  here: String\n", "  there: String @join__field(graph: ONE)\n")
BROKEN = OLD.replace("  major: Int\n", "  major: Nowhere\n")


@asynccontextmanager
async def watched(folder: Path, **fields: Any) -> AsyncIterator[tuple[Federation, Path]]:
    path = folder / "supergraph.graphql"
    path.write_text(OLD)
    one = sdl("shared_roots", "one").replace("here: String", "there: String here: String")
    resolvers: Mapping[str, Any] = {"Query.here": "here", "Query.there": "there", **fields}
    subgraphs = {
        "one": Subgraph(one, {"Query.version": {"major": 1, "one": "1"}, **resolvers}),
        "two": Subgraph(sdl("shared_roots", "two"), {"Query.version": {"major": 1, "two": "2"}, "Query.here": "two"}),
    }
    settings = {"watch": {"interval": 0.01}}
    async with federation("shared_roots", subgraphs, settings, file=SupergraphFile(path)) as graph:
        yield graph, path


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def until(name: str, value: float, **labels: str) -> None:
    for _ in range(1000):
        if sample(name, **labels) == value:
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"{name} stayed at {sample(name, **labels)}")


async def test_a_new_file_is_served_and_a_request_in_flight_ends_on_the_old_one(tmp_path: Path) -> None:
    started, release = asyncio.Event(), asyncio.Event()

    async def here(_root: object, _info: object) -> str:
        started.set()
        await release.wait()
        return "late"

    async with watched(tmp_path, **{"Query.here": here}) as (graph, path):
        swapped = sample("gateway_supergraph_loads_total", outcome="swapped")
        before = (await graph.client.post("/graphql", json={"query": "{ there }"})).json()
        assert before["errors"][0]["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}
        pending = asyncio.create_task(graph.client.post("/graphql", json={"query": "{ here }"}))
        await started.wait()

        path.write_text(WITHOUT_HERE)
        await until("gateway_supergraph_loads_total", swapped + 1, outcome="swapped")

        assert await graph.ask("{ there }") == {"data": {"there": "there"}}
        assert "errors" in await graph.ask("{ here }")
        release.set()
        assert (await pending).json() == {"data": {"here": "late"}}


async def test_the_operations_in_the_cache_are_planned_before_the_swap(tmp_path: Path) -> None:
    kept = ["{ version { one two } }", "{ version { major } }", "{ here }"]
    async with watched(tmp_path) as (graph, path):
        for query in kept:
            await graph.ask(query)
        swapped = sample("gateway_supergraph_loads_total", outcome="swapped")
        warmed = sample("gateway_operations_warmed_total")

        path.write_text(WITHOUT_HERE)
        await until("gateway_supergraph_loads_total", swapped + 1, outcome="swapped")

        # The third asks for what the new supergraph does not have: it is left out, and the swap happens all the same.
        assert sample("gateway_operations_warmed_total") == warmed + 2
        misses = sample("gateway_operation_cache_total", result="miss")
        assert await graph.ask(kept[0]) == {"data": {"version": {"one": "1", "two": "2"}}}
        assert await graph.ask(kept[1]) == {"data": {"version": {"major": 1}}}
        assert sample("gateway_operation_cache_total", result="miss") == misses


@pytest.mark.parametrize("broken", [BROKEN, OLD[: len(OLD) // 2], "", None])
async def test_a_broken_file_leaves_the_old_one_serving_says_why_and_shows(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str | None
) -> None:
    async with watched(tmp_path) as (graph, path):
        refused = sample("gateway_supergraph_loads_total", outcome="refused")
        swapped = sample("gateway_supergraph_loads_total", outcome="swapped")
        with caplog.at_level(logging.ERROR, logger="gateway.pipeline.reload"):
            path.unlink() if broken is None else path.write_text(broken)
            await until("gateway_supergraph_loads_total", refused + 1, outcome="refused")
        assert sample("gateway_supergraph_refused") == 1
        (entry,) = [record for record in caplog.records if record.name == "gateway.pipeline.reload"]
        assert entry.__dict__["detail"]
        assert await graph.ask("{ here }") == {"data": {"here": "here"}}
        assert (await graph.client.get("/health/ready")).status_code == 200

        path.write_text(NEW)
        await until("gateway_supergraph_loads_total", swapped + 1, outcome="swapped")
        assert sample("gateway_supergraph_refused") == 0
        assert await graph.ask("{ there }") == {"data": {"there": "there"}}


async def test_a_repaired_file_clears_the_alarm_without_a_swap(tmp_path: Path) -> None:
    async with watched(tmp_path) as (graph, path):
        swapped = sample("gateway_supergraph_loads_total", outcome="swapped")
        refused = sample("gateway_supergraph_loads_total", outcome="refused")
        path.write_text(BROKEN)
        await until("gateway_supergraph_loads_total", refused + 1, outcome="refused")
        path.write_text(OLD)
        await until("gateway_supergraph_refused", 0)
        assert sample("gateway_supergraph_loads_total", outcome="swapped") == swapped
        assert await graph.ask("{ here }") == {"data": {"here": "here"}}

"""Requests are counted and timed by listed operation; whatever else clients send is one label value."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.conformance.subgraph import Subgraph
from tests.fixtures.samples import total
from tests.integration.gateway_runtime.test_persisted import HERE, VERSIONS, served

LISTED = {"format": "apollo-persisted-query-manifest", "version": 1}


def counted(operation: str, outcome: str) -> float:
    return total("gateway_requests_total", operation=operation, outcome=outcome)


def timed(operation: str) -> float:
    return total("gateway_request_seconds_count", operation=operation)


def listed(*operations: tuple[str, str]) -> dict[str, object]:
    entries = [{"id": name, "name": name, "type": "query", "body": body} for name, body in operations]
    return LISTED | {"operations": entries}


async def test_a_listed_operation_has_figures_of_its_own_by_id_and_by_text_and_others_share_theirs(
    tmp_path: Path,
) -> None:
    manifest = listed(("FiguresHere", HERE), ("FiguresVersions", VERSIONS))
    async with served(tmp_path, {"web": manifest}) as graph:
        # given the figures before
        before = counted("other", "ok"), timed("other"), counted("other", "refused")
        # when a listed operation is asked by id, by its text and by GET, and others are made up
        await graph.client.post("/graphql", json={"documentId": "FiguresHere"})
        await graph.client.post("/graphql", json={"query": HERE})
        await graph.client.get("/graphql/FiguresHere")
        for number in range(30):
            query = f"query MadeUp{number} {{ here }}"
            await graph.client.post("/graphql", json={"query": query, "operationName": f"MadeUp{number}"})
        await graph.client.post("/graphql", json={"query": "query Nonsense { nonsense }"})
        # then those three are its own, in count and time
        assert (counted("FiguresHere", "ok"), timed("FiguresHere")) == (3, 3)
        assert (counted("FiguresVersions", "ok"), timed("FiguresVersions")) == (0, 0)
        # and everything else is told apart by nothing
        after = counted("other", "ok"), timed("other"), counted("other", "refused")
        assert [now - then for now, then in zip(after, before, strict=True)] == [30, 31, 1]
        assert total("gateway_requests_total", operation="MadeUp7") == 0
        assert total("gateway_requests_total", operation="Nonsense") == 0


async def test_errors_of_ours_are_told_from_those_that_a_client_can_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(tmp_path, {"web": listed(("FiguresBroken", HERE))}) as graph:
        # given a subgraph that answers with a coded refusal, then one that answers nonsense
        answers = iter(
            [
                b'{"data":{"here":null},"errors":[{"message":"no","path":["here"],"extensions":{"code":"SOLD_OUT"}}]}',
                b"nonsense",
            ]
        )

        async def answer(_: Subgraph, *__: object) -> tuple[int, bytes]:
            return 200, next(answers)

        monkeypatch.setattr(Subgraph, "answer", answer)
        # when the operation is asked for twice
        mended = (await graph.client.post("/graphql", json={"documentId": "FiguresBroken"})).json()
        broken = (await graph.client.post("/graphql", json={"documentId": "FiguresBroken"})).json()
        # then one answer is partial and the other degraded
        codes = [answer["errors"][0]["extensions"]["code"] for answer in (mended, broken)]
        assert codes == ["SOLD_OUT", "SUBREQUEST_FAILED"]
        outcomes = {name: counted("FiguresBroken", name) for name in ("ok", "partial", "degraded", "failed")}
        assert outcomes == {"ok": 0, "partial": 1, "degraded": 1, "failed": 0}


async def test_requests_that_are_too_many_at_once_are_counted_as_shed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(
        tmp_path, {"web": listed(("FiguresSlow", HERE))}, sections={"http": {"max_in_flight": 1}}
    ) as graph:
        # given one request that is under way
        entered, release = asyncio.Event(), asyncio.Event()

        async def answer(_: Subgraph, *__: object) -> tuple[int, bytes]:
            entered.set()
            await release.wait()
            return 200, b'{"data":{"here":"here"}}'

        monkeypatch.setattr(Subgraph, "answer", answer)
        before = counted("other", "shed"), total("gateway_refusals_total", code="OVERLOADED")
        first = asyncio.create_task(graph.client.post("/graphql", json={"documentId": "FiguresSlow"}))
        await entered.wait()
        # when another one comes
        second = await graph.client.post("/graphql", json={"documentId": "FiguresSlow"})
        release.set()
        # then it is shed, and the first is answered
        assert (second.status_code, (await first).status_code) == (503, 200)
        after = counted("other", "shed"), total("gateway_refusals_total", code="OVERLOADED")
        assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1]

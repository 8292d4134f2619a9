"""A subgraph that answers anything at all costs its own fields and one error: no bug, no memory, nothing of its texts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import psutil
import pytest
from starlette.types import Receive, Scope, Send

from gateway.app import build_gateway
from gateway.executor.subgraph_errors import MOST_ERRORS
from gateway.settings import Settings
from tests.conformance.federation import FIXTURES, serve
from tests.fixtures.samples import total
from tests.integration.gateway_runtime.test_process import gateway

SUPERGRAPH = (FIXTURES / "shared_roots" / "supergraph.graphql").read_text(encoding="utf-8")
QUERY = "{ here version { major one } }"
CANARY = "canary-5b1f6c"
MEGABYTE = 1024 * 1024
CODES = {"SUBREQUEST_FAILED", "SUBGRAPH_UNAVAILABLE", "INTERNAL_SERVER_ERROR", "INVALID_VALUE", "NON_NULL_VIOLATION"}

ANSWERS: Mapping[str, bytes] = {
    "nothing": b"",
    "HTML": f"<html>{CANARY}</html>".encode(),
    "half of JSON": b'{"data": {"here": "' + CANARY.encode(),
    "no UTF-8": b'{"data": {"here": "\xff\xfe"}}',
    "half of a pair": b'{"data": {"here": "\\ud800"}}',
    "not a number": b'{"data": {"here": NaN}}',
    "a number of 5000 digits": b'{"data": {"version": {"major": ' + b"9" * 5000 + b"}}}",
    "a number of 1e400": b'{"data": {"version": {"major": 1e400}}}',
    "100 000 levels": b'{"data": ' + b'{"here":' * 100_000 + b"1" + b"}" * 100_001,
    "a list": b"[]",
    "a text": f'"{CANARY}"'.encode(),
    "null": b"null",
    "an empty object": b"{}",
    "data that is a list": b'{"data": []}',
    "data that is a text": f'{{"data": "{CANARY}"}}'.encode(),
    "data that is null": b'{"data": null}',
    "a list for an object": b'{"data": {"here": "h", "version": [1, 2]}}',
    "a text for an object": f'{{"data": {{"version": "{CANARY}"}}}}'.encode(),
    "an object for a text": b'{"data": {"here": {"a": {"b": []}}, "version": null}}',
    "a list for a number": b'{"data": {"version": {"major": [1], "one": ["x"]}}}',
    "a number for a text": b'{"data": {"here": 7, "version": {"major": 1, "one": 1.5}}}',
    "a text for a number": f'{{"data": {{"version": {{"major": "{CANARY}", "one": "1"}}}}}}'.encode(),
    "true for a number": b'{"data": {"version": {"major": true, "one": true}}}',
    "odd keys": b'{"data": {"": 1, "__proto__": {"a": 1}, "version": {"major": 1, "one": "1", "\\u0000": 2}, "here": "h"}}',
    "keys twice": b'{"data": {"here": 1, "here": "h", "version": {"major": 1, "major": "x"}}, "data": null}',
    "errors that are a text": f'{{"data": {{"here": "h"}}, "errors": "{CANARY}"}}'.encode(),
    "errors that are numbers": b'{"data": {"here": "h"}, "errors": [1, null, [], {}]}',
    "an error without a code": orjson.dumps(
        {
            "data": None,
            "errors": [{"message": CANARY, "path": ["here"], "extensions": {"exception": {"stacktrace": [CANARY]}}}],
        }
    ),
    "an error with odd parts": orjson.dumps(
        {
            "data": None,
            "errors": [{"message": {"a": CANARY}, "path": "here", "extensions": [CANARY], "locations": CANARY}],
        }
    ),
    "an error with an odd code": orjson.dumps(
        {"data": None, "errors": [{"message": CANARY, "extensions": {"code": {"a": 1}}}]}
    ),
    "an error at an odd place": orjson.dumps(
        {"data": {"here": "h"}, "errors": [{"message": CANARY, "path": [None, {"a": 1}, -5, True]}]}
    ),
    "a bug's own code": orjson.dumps(
        {
            "data": None,
            "errors": [{"message": CANARY, "extensions": {"code": "INTERNAL_SERVER_ERROR", "debug": CANARY}}],
        }
    ),
    "10 000 errors": orjson.dumps(
        {"data": None, "errors": [{"message": CANARY, "path": ["here", n]} for n in range(10_000)]}
    ),
}


class Hostile:
    """Answers whatever it is told, under odd headers that carry the canary too."""

    def __init__(self) -> None:
        self.answer = b""
        self.status = 200
        self.megabytes = 0

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        headers = [(b"content-type", CANARY.encode()), (b"x-secret", CANARY.encode()), (b"set-cookie", CANARY.encode())]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        for _ in range(self.megabytes):
            await send({"type": "http.response.body", "body": b" " * MEGABYTE, "more_body": True})
        await send({"type": "http.response.body", "body": self.answer})


@asynccontextmanager
async def facing(hostile: Hostile) -> AsyncIterator[httpx.AsyncClient]:
    async with serve(hostile) as url:
        settings = Settings.model_validate({"subgraph_urls": {"one": url, "two": url}})
        async with serve(build_gateway(SUPERGRAPH, settings).app) as base, httpx.AsyncClient(base_url=base) as client:
            yield client


@pytest.fixture(scope="module")
async def enemy() -> AsyncIterator[tuple[Hostile, httpx.AsyncClient]]:
    hostile = Hostile()
    async with facing(hostile) as client:
        yield hostile, client


def failed() -> float:
    return total("gateway_requests_total", outcome="failed")


def check(answer: httpx.Response) -> dict[str, Any]:
    """The answer is one of GraphQL's, its errors are bounded and coded, and nothing of the subgraph's texts is in it."""
    assert answer.status_code == 200
    assert CANARY not in answer.text
    assert CANARY not in str(answer.headers)
    whole: dict[str, Any] = answer.json()
    assert whole.keys() <= {"data", "errors"}
    assert "data" in whole
    assert len(whole.get("errors", [])) <= MOST_ERRORS
    assert {error["extensions"]["code"] for error in whole.get("errors", [])} <= CODES
    return whole


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("body", ANSWERS.values(), ids=ANSWERS.keys())
async def test_any_answer_is_a_bounded_error(
    enemy: tuple[Hostile, httpx.AsyncClient], body: bytes, status: int
) -> None:
    hostile, client = enemy
    hostile.answer, hostile.status = body, status
    before = failed()
    whole = check(await client.post("/graphql", json={"query": QUERY}))
    data = whole["data"]
    assert data is None or data.keys() == {"here", "version"}
    assert failed() == before


async def test_an_answer_of_50_megabytes_is_cut_off_and_costs_no_memory(tmp_path: Path) -> None:
    hostile = Hostile()
    async with (
        serve(hostile) as url,
        gateway(tmp_path, subgraph_urls={"one": url, "two": url}) as (process, base),
        httpx.AsyncClient(base_url=base, timeout=60) as client,
    ):
        hostile.answer = orjson.dumps({"data": {"here": "h", "version": {"major": 1, "one": "1"}}})
        assert (await client.post("/graphql", json={"query": "{ here }"})).json() == {"data": {"here": "h"}}
        memory = psutil.Process(process.pid).memory_info
        before = memory().rss
        hostile.megabytes = 50
        for _ in range(3):
            answer = check(await client.post("/graphql", json={"query": "{ here }"}))
            assert answer["data"] == {"here": None}
            assert [error["extensions"]["code"] for error in answer["errors"]] == ["SUBGRAPH_UNAVAILABLE"]
        assert memory().rss - before <= 20 * MEGABYTE

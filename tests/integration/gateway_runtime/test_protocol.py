"""What HTTP offers around an operation: compression both ways, batches, preflights."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from tests.conformance.federation import Federation, federation, sdl
from tests.conformance.subgraph import Subgraph
from tests.fixtures.codings import UNPACK

JSON = {"content-type": "application/json"}
LISTS = "query($n: Int) { users(first: $n) { id } }"


@asynccontextmanager
async def graph(settings: Mapping[str, Any] | None = None) -> AsyncIterator[Federation]:
    subgraph = Subgraph(sdl("costs", "people"), {"Query.users": [{"id": str(n)} for n in range(300)]})
    async with federation("costs", {"people": subgraph}, settings) as served:
        yield served


USERS = {"query": "{ users { id } }"}


def batching(most: int, **limits: Any) -> dict[str, Any]:
    return {"http": {"batch_operations": most}, "limits": limits}


async def test_a_long_answer_travels_in_zstd_to_clients_that_take_it_by_both_ways_in() -> None:
    async with graph() as served:
        plain = await served.client.post("/graphql", json=USERS, headers={"accept-encoding": "identity"})
        takes = {"accept-encoding": "gzip, br, zstd"}
        for request in (
            served.client.build_request("POST", "/graphql", json=USERS, headers=takes),
            served.client.build_request("GET", "/graphql", params=USERS, headers=takes),
        ):
            answer = await served.client.send(request, stream=True)
            packed = b"".join([piece async for piece in answer.aiter_raw()])
            assert answer.headers["content-encoding"] == "zstd"
            assert UNPACK["zstd"](packed) == plain.content
            assert len(packed) < len(plain.content) / 3


async def test_a_long_answer_travels_in_gzip_to_clients_that_take_it() -> None:
    async with graph() as served:
        plain = await served.client.post("/graphql", json=USERS, headers={"accept-encoding": "identity"})
        packed = await served.client.post("/graphql", json=USERS, headers={"accept-encoding": "gzip"})
        short = await served.client.post(
            "/graphql", json={"query": "{ __typename }"}, headers={"accept-encoding": "gzip"}
        )
        assert "content-encoding" not in plain.headers
        assert "content-encoding" not in short.headers
        assert packed.headers["content-encoding"] == "gzip"
        assert "Accept-Encoding" in plain.headers["vary"]
        assert int(packed.headers["content-length"]) < len(plain.content) / 3
        assert packed.json() == plain.json()


async def test_compression_is_switched_off_by_one_setting() -> None:
    off = {"http": {"compression": {"responses": False, "requests": False}}}
    async with graph(off) as served:
        answer = await served.client.post("/graphql", json={"query": "{ users { id } }"})
        assert "content-encoding" not in answer.headers
        body = gzip.compress(orjson.dumps({"query": "{ __typename }"}))
        refused = await served.client.post("/graphql", content=body, headers={**JSON, "content-encoding": "gzip"})
        assert refused.status_code == 415


async def test_a_request_in_gzip_is_answered_and_a_bomb_is_refused() -> None:
    async with graph({"limits": {"body_bytes": 100_000}}) as served:

        async def post(content: bytes) -> Any:
            return await served.client.post("/graphql", content=content, headers={**JSON, "content-encoding": "gzip"})

        answer = await post(gzip.compress(orjson.dumps({"query": "{ __typename }"})))
        assert answer.json() == {"data": {"__typename": "Query"}}
        bomb = await post(gzip.compress(b" " * 50_000_000))
        assert (bomb.status_code, bomb.json()["errors"][0]["extensions"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
        broken = await post(b"{}")
        assert (broken.status_code, broken.json()["errors"][0]["extensions"]["code"]) == (400, "INVALID_ENCODING")


async def test_a_batch_is_answered_in_order_each_for_itself() -> None:
    async with graph(batching(3)) as served:
        asked = [{"query": LISTS, "variables": {"n": 1}}, {"query": "{ nothing }"}, {"query": "{ __typename }"}]
        answers = (await served.client.post("/graphql", json=asked)).json()
        assert len(answers[0]["data"]["users"]) == 300
        assert answers[1]["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        assert answers[2] == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(("most", "code"), [(0, "BATCHING_UNSUPPORTED"), (2, "BATCH_LIMIT_EXCEEDED")])
async def test_a_batch_is_refused_unless_it_is_allowed_and_short_enough(most: int, code: str) -> None:
    async with graph(batching(most)) as served:
        refused = await served.client.post("/graphql", json=[{"query": "{ __typename }"}] * 3)
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["extensions"] == {"code": code}


@pytest.mark.parametrize(
    ("query", "limits", "code"),
    [
        ("{ users { id } }", {"tokens": 11}, "TOKEN_LIMIT_EXCEEDED"),
        ("{ users { x: id } }", {"aliases": 1}, "ALIAS_LIMIT_EXCEEDED"),
        ("{ users { id } }", {"root_fields": 1}, "ROOT_FIELD_LIMIT_EXCEEDED"),
        ("{ users @skip(if: false) { id } }", {"directives": 1}, "DIRECTIVE_LIMIT_EXCEEDED"),
        ("{ users { id } }", {"fields": 3}, "FIELD_LIMIT_EXCEEDED"),
        ("{ users { id } }", {"cost": {"mode": "enforced", "max": 19}}, "COST_LIMIT_EXCEEDED"),
    ],
)
async def test_the_limits_hold_for_a_whole_batch(query: str, limits: dict[str, Any], code: str) -> None:
    async with graph(batching(5, **limits)) as served:
        one, other = (await served.client.post("/graphql", json=[{"query": query}] * 2)).json()
        assert len(one["data"]["users"]) == 300
        assert other["errors"][0]["extensions"] == {"code": code}
        assert "data" not in other
        assert served.counts == {"people": 1}


async def test_a_preflight_lets_a_listed_page_ask_and_no_other() -> None:
    async with graph({"http": {"cors": {"allow_origins": ["https://web.test"]}}}) as served:

        async def preflight(origin: str) -> dict[str, str]:
            headers = {"origin": origin, "access-control-request-method": "POST"}
            answer = await served.client.options("/graphql", headers=headers)
            assert answer.status_code == 204
            return {name: value for name, value in answer.headers.items() if name.startswith("access-control")}

        assert (await preflight("https://web.test"))["access-control-allow-methods"] == "GET, POST, PUT, DELETE"
        assert await preflight("https://evil.test") == {}
        asked = await served.client.post(
            "/graphql", json={"query": "{ __typename }"}, headers={"origin": "https://web.test"}
        )
        assert asked.headers["access-control-allow-origin"] == "https://web.test"
        foreign = await served.client.post(
            "/graphql", json={"query": "{ __typename }"}, headers={"origin": "https://evil.test"}
        )
        assert (foreign.status_code, "access-control-allow-origin" in foreign.headers) == (403, False)

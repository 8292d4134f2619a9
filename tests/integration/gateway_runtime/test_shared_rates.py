"""Rates that replicas keep together in a real Redis: by address, by caller, by root field; and what holds without it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import redis.asyncio

from shared.devstack.ports import free_ports
from tests.conformance.access_tokens import access_token, authentication, key_server
from tests.conformance.federation import Federation, federation, sdl, serve
from tests.conformance.subgraph import Subgraph

QUERY = "{ here }"


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    """Emptied, so that no bucket of an earlier test is left."""
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        await client.flushall()
        yield client


@asynccontextmanager
async def replica(redis_url: str, rates: Mapping[str, Any], keys: str | None = None) -> AsyncIterator[Federation]:
    subgraphs = {name: Subgraph(sdl("shared_roots", name), {"Query.here": name}) for name in ("one", "two")}
    settings: dict[str, Any] = {"rate_limit": {"redis_url": redis_url, **rates}}
    if keys is not None:
        settings["authentication"] = authentication(keys)
    async with federation("shared_roots", subgraphs, settings) as graph:
        yield graph


async def status(graph: Federation, query: str = QUERY, headers: Mapping[str, str] | None = None) -> int:
    return (await graph.client.post("/graphql", json={"query": query}, headers=headers)).status_code


async def asked(store: redis.asyncio.Redis) -> int:
    """How often anybody ran the script."""
    stats = await store.info("commandstats")
    return int(stats.get("cmdstat_evalsha", {}).get("calls", 0))


async def test_what_one_replica_admits_the_other_counts(redis_url: str, store: redis.asyncio.Redis) -> None:
    rates = {"requests": {"per_minute": 1, "burst": 3}}
    async with replica(redis_url, rates) as one, replica(redis_url, rates) as two:
        assert [await status(graph) for graph in (one, two, one, two, one)] == [200, 200, 200, 429, 429]
        refused = await two.client.post("/graphql", json={"query": QUERY})
        assert refused.json()["errors"][0]["extensions"] == {"code": "RATE_LIMITED"}
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert (len(one.subgraphs["one"].requests), len(two.subgraphs["one"].requests)) == (2, 1)


async def test_a_user_is_counted_over_all_replicas_and_apart_from_others(
    redis_url: str, store: redis.asyncio.Redis
) -> None:
    rates = {"callers": {"per_minute": 1, "burst": 2}}
    async with (
        serve(key_server) as keys,
        replica(redis_url, rates, keys) as one,
        replica(redis_url, rates, keys) as two,
    ):

        def signed_in(user: str) -> dict[str, str]:
            return {"authorization": f"Bearer {access_token(sub=user)}"}

        assert await status(one, headers=signed_in("a")) == 200
        assert await status(two, headers=signed_in("a")) == 200
        assert await status(one, headers=signed_in("a")) == 429
        assert await status(one, headers=signed_in("b")) == 200
        assert [await status(one) for _ in range(4)] == [200] * 4


async def test_every_occurrence_of_a_strict_field_counts_and_a_refusal_takes_nothing(
    redis_url: str, store: redis.asyncio.Redis
) -> None:
    rates = {"requests": {"per_minute": 1, "burst": 3}, "root_fields": {"here": {"per_minute": 1, "burst": 4}}}
    async with replica(redis_url, rates) as one, replica(redis_url, rates) as two:
        assert await status(one, "{ a: here b: here c: here }") == 200
        assert await status(two, "{ a: here b: here }") == 429
        assert await status(two, "{ a: here }") == 200
        assert await status(one, "{ version { major } }") == 200
        assert await status(one, "{ version { major } }") == 429


async def test_a_document_that_cannot_be_run_counts_as_a_request(redis_url: str, store: redis.asyncio.Redis) -> None:
    rates = {"requests": {"per_minute": 1, "burst": 2}}
    async with replica(redis_url, rates) as one, replica(redis_url, rates) as two:
        assert await status(one, "{ nothing }") == 200
        assert await status(one, "{ nothing") == 200
        assert await status(two) == 429


async def test_redis_is_asked_once_a_request_and_not_at_all_without_limits(
    redis_url: str, store: redis.asyncio.Redis
) -> None:
    every = {"per_minute": 6000, "burst": 100}
    async with serve(key_server) as keys:
        headers = {"authorization": f"Bearer {access_token()}"}
        limited = {"requests": every, "callers": every, "root_fields": {"here": every}}
        async with replica(redis_url, limited, keys) as graph:
            await status(graph, headers=headers)
            before = await asked(store)
            assert [await status(graph, headers=headers) for _ in range(5)] == [200] * 5
            assert await asked(store) == before + 5
        async with replica(redis_url, {"root_fields": {"login": every}}, keys) as graph:
            before = await asked(store)
            assert await status(graph, headers=headers) == 200
            assert await asked(store) == before


@pytest.mark.parametrize(("when_away", "statuses"), [("open", [200, 200, 429]), ("closed", [503, 503, 429])])
async def test_without_redis_the_replicas_own_limits_hold_or_nothing_is_admitted(
    when_away: str, statuses: list[int]
) -> None:
    nowhere = f"redis://127.0.0.1:{free_ports(1)[0]}"
    rates = {"requests": {"per_minute": 1, "burst": 2}, "when_away": when_away}
    async with replica(nowhere, rates) as graph:
        assert [await status(graph) for _ in range(3)] == statuses
        assert len(graph.subgraphs["one"].requests) == statuses.count(200)


async def test_a_refusal_for_want_of_redis_says_so() -> None:
    nowhere = f"redis://127.0.0.1:{free_ports(1)[0]}"
    rates = {"requests": {"per_minute": 1, "burst": 2}, "when_away": "closed"}
    async with replica(nowhere, rates) as graph:
        refused: httpx.Response = await graph.client.post("/graphql", json={"query": QUERY})
        assert refused.json()["errors"][0]["extensions"] == {"code": "RATE_LIMITS_UNAVAILABLE"}
        assert refused.headers["retry-after"] == "1"

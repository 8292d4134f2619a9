"""Operations that clients have kept by their hash: shared by all replicas through a real Redis, and never missed without it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis.asyncio
from prometheus_client import REGISTRY

from gateway.persisted.manifest import sha256_of
from shared.devstack.ports import free_ports
from tests.conformance.federation import Federation, federation, sdl
from tests.conformance.subgraph import Subgraph

ANSWER = {"data": {"version": {"major": 1}}}


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        yield client


@asynccontextmanager
async def replica(
    folder: Path, redis_url: str, *, first_party: str = "any", **automatic: Any
) -> AsyncIterator[Federation]:
    subgraphs = {name: Subgraph(sdl("shared_roots", name), {"Query.version": {"major": 1}}) for name in ("one", "two")}
    config = {"directory": str(folder), "first_party": first_party, "automatic": {"redis_url": redis_url, **automatic}}
    async with federation("shared_roots", subgraphs, {"persisted": config}) as graph:
        yield graph


def a_text(name: str) -> str:
    """A text that no other test has kept."""
    return f"query {name} {{ version {{ major }} }}"


async def send(graph: Federation, digest: str, text: str | None = None) -> httpx.Response:
    body = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}
    return await graph.client.post("/graphql", json=body | ({"query": text} if text else {}))


def code_of(answer: httpx.Response) -> str:
    code: str = answer.json()["errors"][0]["extensions"]["code"]
    return code


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("gateway_automatic_operations_total", {"outcome": outcome}) or 0.0


async def test_a_text_sent_once_is_known_by_its_hash_to_every_replica_until_its_time_is_up(
    tmp_path: Path, redis_url: str, store: redis.asyncio.Redis
) -> None:
    text = a_text("Shared")
    digest = sha256_of(text)
    async with replica(tmp_path, redis_url, ttl=600) as one, replica(tmp_path, redis_url) as two:
        missing = await send(one, digest)
        assert (missing.status_code, code_of(missing)) == (200, "PERSISTED_QUERY_NOT_FOUND")
        assert missing.json()["errors"][0]["message"] == "PersistedQueryNotFound"
        assert (await send(one, digest, text)).json() == ANSWER
        assert (await send(one, digest)).json() == ANSWER
        assert (await send(two, digest)).json() == ANSWER
        assert 590 <= await store.ttl(f"apq:{digest}") <= 600
        assert await store.get(f"apq:{digest}") == text.encode()
        # A replica that has it beside Redis still knows it when Redis is emptied.
        await store.flushall()
        assert (await send(two, digest)).json() == ANSWER


async def test_the_hash_is_checked_on_the_way_in_and_on_the_way_out(
    tmp_path: Path, redis_url: str, store: redis.asyncio.Redis
) -> None:
    text = a_text("Checked")
    async with replica(tmp_path, redis_url) as graph:
        assert code_of(await send(graph, "0" * 64, text)) == "PERSISTED_QUERY_HASH_MISMATCH"
        assert await store.get(f"apq:{'0' * 64}") is None
        # What somebody else wrote under a hash is not believed.
        await store.set(f"apq:{'1' * 64}", text)
        assert code_of(await send(graph, "1" * 64)) == "PERSISTED_QUERY_NOT_FOUND"
        assert graph.counts == {}


async def test_a_large_text_runs_and_is_not_kept(tmp_path: Path, redis_url: str, store: redis.asyncio.Redis) -> None:
    text = a_text("Large") + " " * 200
    digest = sha256_of(text)
    async with replica(tmp_path, redis_url, max_bytes=200) as graph:
        assert (await send(graph, digest, text)).json() == ANSWER
        assert code_of(await send(graph, digest)) == "PERSISTED_QUERY_NOT_FOUND"
        assert await store.get(f"apq:{digest}") is None


async def test_what_is_kept_beside_redis_is_bounded(tmp_path: Path, redis_url: str, store: redis.asyncio.Redis) -> None:
    texts = [a_text(f"Bounded{number}") for number in range(3)]
    async with replica(tmp_path, redis_url, kept_here=2) as graph:
        for text in texts:
            await send(graph, sha256_of(text), text)
        await store.flushall()
        found = [(await send(graph, sha256_of(text))).json() == ANSWER for text in texts]
        assert found == [False, True, True]


async def test_redis_away_is_not_found_and_never_an_error(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    text = a_text("Away")
    digest = sha256_of(text)
    async with replica(tmp_path, f"redis://127.0.0.1:{port}", pause=60, kept_here=0) as graph:
        away = counted("redis_away")
        assert code_of(await send(graph, digest)) == "PERSISTED_QUERY_NOT_FOUND"
        assert (await send(graph, digest, text)).json() == ANSWER
        assert code_of(await send(graph, digest)) == "PERSISTED_QUERY_NOT_FOUND"
        # and it was tried once, then left alone
        assert counted("redis_away") == away + 1


async def test_a_redis_that_gives_no_sign_of_life_is_away(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    text = a_text("Silent")
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, replica(tmp_path, f"redis://127.0.0.1:{port}", timeout=0.05, pause=60, kept_here=0) as graph:
        away = counted("redis_away")
        assert code_of(await send(graph, sha256_of(text))) == "PERSISTED_QUERY_NOT_FOUND"
        assert (await send(graph, sha256_of(text), text)).json() == ANSWER
        assert counted("redis_away") == away + 1


async def test_clients_that_are_held_to_a_list_keep_nothing(
    tmp_path: Path, redis_url: str, store: redis.asyncio.Redis
) -> None:
    text = a_text("Listed")
    digest = sha256_of(text)
    async with replica(tmp_path, redis_url, first_party="listed") as graph:
        assert code_of(await send(graph, digest, text)) == "QUERY_NOT_IN_SAFELIST"
        assert code_of(await send(graph, digest)) == "PERSISTED_QUERY_NOT_IN_LIST"
        assert await store.get(f"apq:{digest}") is None
        assert graph.counts == {}

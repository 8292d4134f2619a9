"""The cache changes no answer: random federations with every field hinted, each operation asked cold, warm, and half warm."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from gateway.cache.config import CacheConfig
from gateway.cache.hints import CacheHints, Hint
from gateway.cache.policy import CacheRules
from gateway.cache.session import CacheSession
from gateway.cache.store import EdgeCache
from gateway.supergraph.sdl import parse_supergraph
from shared.cache.entries import EDGE
from tests.conformance.differential.cases import random_case
from tests.conformance.differential.printing import supergraph_sdl
from tests.conformance.differential.test_differential import Gateway

FEDERATIONS = 400 if os.environ.get("TEST_DEPTH") == "deep" else 15


@pytest.fixture(autouse=True)
def everything_is_public(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CacheHints, "of_field", lambda *_: Hint(60))
    monkeypatch.setattr(CacheHints, "__bool__", lambda _: True)


@pytest.fixture
async def cache(redis_url: str) -> AsyncIterator[EdgeCache]:
    cache = EdgeCache(CacheConfig(url=redis_url, timeout=10, pause=0))
    writing = asyncio.create_task(cache.run())
    yield cache
    writing.cancel()
    await cache.close()


@pytest.mark.parametrize("seed", range(FEDERATIONS))
async def test_what_is_kept_is_what_was_answered(seed: int, cache: EdgeCache, redis_url: str) -> None:
    case = random_case(seed)
    rules = CacheRules(parse_supergraph(supergraph_sdl(case.federation)), lambda *_: False, lambda _: True)
    gateway = Gateway(
        case.federation,
        case.labels,
        lambda plan: CacheSession(cache, rules.of(plan), fills=True, lines=lambda _: b""),
    )
    async with Redis.from_url(redis_url) as redis:
        await redis.flushall()
        spared = 0
        for document, variables in case.operations:
            expected = json.dumps(case.monolith.data(document, variables))
            start = gateway.client.asked
            cold = json.dumps(await gateway.data(document, variables))
            await cache.settled()
            between = gateway.client.asked
            warm = json.dumps(await gateway.data(document, variables))
            spared += (between - start) - (gateway.client.asked - between)
            # Half of the entries, whichever they are.
            keys = sorted(set(await redis.keys(f"{EDGE}:*")) - {f"{EDGE}:since".encode()})
            await redis.unlink(f"{EDGE}:nothing", *keys[::2])
            half = json.dumps(await gateway.data(document, variables))
            await cache.settled()
            assert [cold, warm, half] == [expected] * 3, f"{document}\n{variables}"
    assert spared > 0

"""The gateway's side of the cache where its Redis is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.cache.answers import Missing
from gateway.cache.config import CacheConfig
from gateway.cache.lookup import Lookup
from gateway.cache.policy import CachePolicy, FetchPolicy
from gateway.cache.store import EdgeCache
from gateway.cache.tags import EntityKeys, TagNode
from gateway.supergraph.sdl import parse_supergraph
from gateway.telemetry.metrics import CACHE_FAILURES, CACHE_WRITES
from tests.conformance.federation import FIXTURES

PAUSE = 5.0


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def away(clock: Clock) -> AsyncIterator[EdgeCache]:
    """Nobody listens where its Redis should be."""
    cache = EdgeCache(CacheConfig(url="redis://127.0.0.1:1", timeout=10, pause=PAUSE), clock=clock)
    yield cache
    await cache.close()


@pytest.fixture
def policy() -> FetchPolicy:
    supergraph = parse_supergraph((FIXTURES / "public_data" / "supergraph.graphql").read_text(encoding="utf-8"))
    root = CachePolicy(60, b"{ motd }", (), frozenset(), TagNode(frozenset(), certain=False))
    return FetchPolicy("catalog", (root,), (), EntityKeys(supergraph))


async def tries(cache: EdgeCache, policy: FetchPolicy, looks: int) -> int:
    """How many of so many looks at once were tried, each of which fails."""
    before = _failures()
    found = await asyncio.gather(*[cache.look(policy, [[b""]], {}, b"") for _ in range(looks)])
    assert found == [None] * looks
    return _failures() - before


def _failures() -> int:
    return int(CACHE_FAILURES._value.get())


async def test_after_three_failures_in_a_row_nobody_waits_for_redis(
    away: EdgeCache, policy: FetchPolicy, clock: Clock
) -> None:
    assert [await tries(away, policy, 1) for _ in range(5)] == [1, 1, 1, 0, 0]
    # when the pause is over, one of many tries, and the next pause begins
    clock.now += PAUSE
    assert await tries(away, policy, 10) == 1
    assert await tries(away, policy, 10) == 0


async def test_what_waits_to_be_written_is_bounded(away: EdgeCache, policy: FetchPolicy) -> None:
    lookup = Lookup(policy, 1, ([None],), (Missing(["k"], [b""]),), (0.0,))
    dropped = CACHE_WRITES.labels("dropped")._value
    before = dropped.get()

    away.keep(lookup, b" " * (1024 * 1024 + 1))
    assert dropped.get() - before == 1

    for _ in range(away.config.writes_queued + 7):
        away.keep(lookup, b"{}")
    assert dropped.get() - before == 8

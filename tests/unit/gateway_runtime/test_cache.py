from __future__ import annotations

import asyncio

import pytest

from gateway.pipeline.cache import SingleFlightCache


async def test_many_who_ask_at_once_share_one_making() -> None:
    cache: SingleFlightCache[str, object] = SingleFlightCache(2)
    made: list[object] = []

    async def make() -> object:
        await asyncio.sleep(0)
        made.append(object())
        return made[-1]

    values = await asyncio.gather(*(cache.make("a", make) for _ in range(20)))
    assert len(made) == 1
    assert all(value is made[0] for value in values)
    assert cache.find("a") is made[0]


async def test_the_least_recently_used_goes_first() -> None:
    cache: SingleFlightCache[str, str] = SingleFlightCache(2)
    for key in ("a", "b"):
        await cache.make(key, lambda key=key: asyncio.sleep(0, key))  # type: ignore[misc]
    cache.find("a")
    await cache.make("c", lambda: asyncio.sleep(0, "c"))
    assert [cache.find(key) for key in ("a", "b", "c")] == ["a", None, "c"]


async def test_a_failure_reaches_all_who_wait_and_is_not_kept() -> None:
    cache: SingleFlightCache[str, str] = SingleFlightCache(2)

    async def fail() -> str:
        await asyncio.sleep(0)
        raise ValueError("no")

    outcomes = await asyncio.gather(*(cache.make("a", fail) for _ in range(3)), return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["no"] * 3
    assert await cache.make("a", lambda: asyncio.sleep(0, "yes")) == "yes"


async def test_a_client_that_leaves_does_not_fail_the_others() -> None:
    cache: SingleFlightCache[str, str] = SingleFlightCache(2)
    gate = asyncio.Event()

    async def make() -> str:
        await gate.wait()
        return "made"

    first = asyncio.create_task(cache.make("a", make))
    second = asyncio.create_task(cache.make("a", make))
    await asyncio.sleep(0)
    first.cancel()
    gate.set()
    assert await second == "made"
    with pytest.raises(asyncio.CancelledError):
        await first

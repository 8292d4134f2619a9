"""The tagged cache on a real Redis: what is evicted stays away, whatever crosses it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from shared.cache.entries import Entry, tag
from shared.cache.tagged_cache import Look, TaggedCache


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        await client.flushall()
        yield client


@pytest.fixture
def cache(redis: Redis) -> TaggedCache:
    return TaggedCache(redis, "test")


def entry(content: bytes, *tags: str, life: timedelta = timedelta(minutes=5)) -> Entry:
    return Entry(content, frozenset(tags), life)


def contents(look: Look) -> list[bytes | None]:
    return [found.content if found else None for found in look.found]


async def keep(cache: TaggedCache, **entries: Entry) -> None:
    assert await cache.write(entries, (await cache.look(list(entries))).moment) == len(entries)


async def test_what_was_written_is_found_in_the_order_asked_for(cache: TaggedCache) -> None:
    await keep(cache, a=entry(b"1\n2\t3", "Product:1"), c=entry(b"", "Product:1"))

    assert contents(await cache.look(["a", "b", "c", "d"])) == [b"1\n2\t3", None, b"", None]
    assert contents(await cache.look(["d"])) == [None]
    assert contents(await cache.look([])) == []


async def test_an_eviction_ends_what_has_the_tag_and_nothing_else(cache: TaggedCache) -> None:
    await keep(cache, a=entry(b"1", "Product:1", "Seller:1"), b=entry(b"2", "Product:2"), c=entry(b"3"))

    await cache.evict(["Seller:1"])

    assert contents(await cache.look(["a", "b", "c"])) == [None, b"2", b"3"]


async def test_lists_are_evicted_by_their_own_tag_only(cache: TaggedCache) -> None:
    await keep(cache, page=entry(b"1", "Product:1", "Product:*"), other=entry(b"2", "Product:2", "Product:*"))

    await cache.evict(["Product:1"])
    assert contents(await cache.look(["page", "other"])) == [None, b"2"]

    await cache.evict(["Product:*"])
    assert contents(await cache.look(["other"])) == [None]


async def test_what_holds_an_object_without_its_key_goes_with_any_of_its_type(cache: TaggedCache) -> None:
    await keep(cache, a=entry(b"1", "Product:?"), b=entry(b"2", "Seller:?"))

    await cache.evict(["Product:77"])

    assert contents(await cache.look(["a", "b"])) == [None, b"2"]


async def test_what_was_read_before_a_change_is_not_kept_after_its_eviction(cache: TaggedCache) -> None:
    # given a reader that has missed, and reads at the source what is about to change
    reader = await cache.look(["a"])
    # when the change's eviction comes before the reader writes
    await cache.evict(["Product:1"])
    kept = await cache.write({"a": entry(b"old", "Product:1")}, reader.moment)
    # then it is not kept, and one who looks afterwards may write
    assert kept == 0
    assert contents(await cache.look(["a"])) == [None]
    await keep(cache, a=entry(b"new", "Product:1"))
    assert contents(await cache.look(["a"])) == [b"new"]


async def test_a_late_writer_does_not_replace_what_a_later_reader_wrote(cache: TaggedCache) -> None:
    early = await cache.look(["a"])
    await cache.evict(["Product:1"])
    await keep(cache, a=entry(b"new", "Product:1"))

    assert await cache.write({"a": entry(b"old", "Product:1")}, early.moment) == 0
    assert contents(await cache.look(["a"])) == [b"new"]


async def test_of_entries_written_together_only_those_are_kept_that_no_eviction_met(cache: TaggedCache) -> None:
    moment = (await cache.look(["a", "b"])).moment
    await cache.evict(["Product:1"])

    assert await cache.write({"a": entry(b"1", "Product:1"), "b": entry(b"2", "Product:2")}, moment) == 1
    assert contents(await cache.look(["a", "b"])) == [None, b"2"]


async def test_an_eviction_that_was_forgotten_with_everything_else_still_counts(
    redis: Redis, cache: TaggedCache
) -> None:
    # given a reader under way, an eviction that it must heed, and a Redis that loses the stamp
    reader = await cache.look(["a"])
    await cache.evict(["Product:1"])
    await redis.flushall()

    # then the reader's lease is void at once, and also when others have begun anew
    assert await cache.write({"a": entry(b"old", "Product:1")}, reader.moment) == 0
    await cache.look(["a"])
    assert await cache.write({"a": entry(b"old", "Product:1")}, reader.moment) == 0
    assert contents(await cache.look(["a"])) == [None]


async def test_what_was_evicted_is_gone_and_not_only_hidden(redis: Redis, cache: TaggedCache) -> None:
    await keep(cache, a=entry(b"1", "Product:1"))
    await cache.evict(["Product:1"])
    await cache.look(["a"])

    assert await redis.exists("test:a") == 0


async def test_everything_in_redis_ends_by_itself_but_the_start_of_memory(redis: Redis, cache: TaggedCache) -> None:
    await keep(cache, a=entry(b"1", "Product:1", life=timedelta(seconds=30)), b=entry(b"2", life=timedelta(days=9)))
    await cache.evict(["Product:2"])

    names = ["test:since", "test:a", "test:b", "test:evicted:Product:2", "test:evicted:Product:?"]
    assert sorted(names) == sorted(_text(key) for key in await redis.keys("test:*"))
    lives = {name: await redis.ttl(name) for name in names}
    assert lives.pop("test:since") == -1
    assert 0 < lives["test:a"] <= 30
    # A stamp outlives every entry that is older than itself.
    assert lives["test:b"] <= 3600 < lives["test:evicted:Product:2"]


async def test_an_entry_tells_how_old_it_is_by_the_clock_of_redis(cache: TaggedCache) -> None:
    await keep(cache, a=entry(b"1"))
    first, second = [(await cache.look(["a"])).found[0] for _ in range(2)]

    assert first is not None
    assert second is not None
    assert 0 < first.age < second.age


def test_a_tag_holds_no_separators() -> None:
    assert tag("Product", "1") == "Product:1"
    for key in ("a\tb", "a\nb"):
        with pytest.raises(ValueError, match="is no tag"):
            tag("Product", key)


def _text(key: bytes | str) -> str:
    return key if isinstance(key, str) else key.decode()

"""Entries in Redis that are dropped by what they are about: an entry has tags, and evicting a tag ends every entry with it.

Nothing is scanned and no set of keys is kept: an eviction leaves a stamp with its moment, and an entry is good while no tag of
it has a stamp as young as itself. The moment of an entry is that of the look that missed it, *before* its content was read at
its source. So what was read before a change is never served after the eviction, however late it is written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from redis.asyncio import Redis

from shared.cache.entries import ANY, UNNAMED, Entry
from shared.cache.scripts import EVICT, READ, WRITE

LONGEST = timedelta(hours=1)
"""No entry lives longer. A stamp outlives all that are older than itself."""

_STAMP_LIFE = LONGEST + timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Found:
    """An entry: its content, and how many seconds ago its source was asked."""

    content: bytes
    age: float


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found, by position. `moment` is the lease under which what is missing may be written."""

    moment: int
    found: Sequence[Found | None]


class TaggedCache:
    """Keys are `<prefix>:<key>`. Every method raises RedisError or OSError where Redis is away, for the caller to judge.

    When Redis is emptied its stamps are lost as well. So a key holds the moment since when none was: entries and leases
    from before are void.
    """

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._prefix = prefix
        self._since = f"{prefix}:since"
        self._stamps = f"{prefix}:evicted:"
        self._read, self._write, self._evict = (redis.register_script(text) for text in (READ, WRITE, EVICT))

    async def look(self, keys: Sequence[str]) -> Look:
        """One round trip for any number of keys."""
        answer = await self._read(keys=[self._since, *self._entries(keys)], args=[self._stamps])
        moment, *entries = cast("list[bytes | None]", answer)
        now = int(moment or 0)
        return Look(now, [_found(entry, now) for entry in entries])

    async def write(self, entries: Mapping[str, Entry], moment: int) -> int:
        """Keep what was read at its source after the look of `moment`; gives how many were still good."""
        arguments: list[str | bytes | int] = [self._stamps]
        for entry in entries.values():
            head = f"{moment}\n" + "\t".join(sorted(entry.tags)) + "\n"
            arguments += [_milliseconds(min(entry.life, LONGEST)), head.encode() + entry.content]
        return int(await self._write(keys=[self._since, *self._entries(entries)], args=arguments))

    async def evict(self, tags: Collection[str]) -> None:
        """From now on no entry with one of the tags is found. Doing it twice evicts twice."""
        unnamed = {f"{name.partition(':')[0]}:{UNNAMED}" for name in tags if not name.endswith(f":{ANY}")}
        stamps = [f"{self._stamps}{name}" for name in sorted({*tags, *unnamed})]
        if stamps:
            await self._evict(keys=stamps, args=[_milliseconds(_STAMP_LIFE)])

    def _entries(self, keys: Iterable[str]) -> list[str]:
        return [f"{self._prefix}:{key}" for key in keys]


def _found(entry: bytes | None, now: int) -> Found | None:
    if entry is None:
        return None
    moment, _, content = entry.split(b"\n", 2)
    return Found(content, (now - int(moment)) / 1_000_000)


def _milliseconds(life: timedelta) -> int:
    return max(1, life // timedelta(milliseconds=1))

"""The cache as the gateway meets it: one look a fetch, writing behind the request, and no wait for a Redis that is away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from time import monotonic
from typing import Any

import orjson
from redis.exceptions import RedisError

from gateway.cache.answers import Limits, Missing, entries_of
from gateway.cache.config import CacheConfig
from gateway.cache.lookup import Lookup
from gateway.cache.policy import CachePolicy, FetchPolicy
from gateway.telemetry.metrics import CACHE_FAILURES, CACHE_WRITES, CacheMeter
from shared.cache.entries import EDGE
from shared.cache.impatient import impatient_redis
from shared.cache.tagged_cache import Found, Look, TaggedCache

logger = logging.getLogger(__name__)

_LATE, _KEPT, _DROPPED = (CACHE_WRITES.labels(outcome) for outcome in ("late", "kept", "dropped"))


_FAILURES = 3
"""So many in a row, and Redis is left alone. A single one may be a busy moment of our own."""

_LARGEST_BODY = 1024 * 1024
"""A larger answer is not taken apart: what waits to be written is bounded in bytes as well."""


class _Patience:
    """Whether to ask Redis. After `_FAILURES` in a row it is left alone for `pause` seconds; then one at a time tries again."""

    def __init__(self, pause: float, clock: Callable[[], float]) -> None:
        self._pause = pause
        self._clock = clock
        self._failures = 0
        self._until = 0.0

    def admits(self) -> bool:
        if self._failures < _FAILURES:
            return True
        if self._clock() < self._until:
            return False
        # Who comes while this one tries is not held up.
        self._until = self._clock() + self._pause
        return True

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self, error: Exception) -> None:
        CACHE_FAILURES.inc()
        self._failures += 1
        self._until = self._clock() + self._pause
        if self._failures == _FAILURES:
            logger.warning("the cache is away; going on without", extra={"error": error})


class EdgeCache:
    """An AnswerCache in the Redis at `config.url`, which must be set."""

    def __init__(self, config: CacheConfig, *, clock: Callable[[], float] = monotonic) -> None:
        assert config.url is not None
        self.config = config
        self._redis = impatient_redis(config.url, timeout=config.timeout, connections=config.connections)
        self._cache = TaggedCache(self._redis, EDGE)
        self._patience = _Patience(config.pause, clock)
        self._writes: asyncio.Queue[tuple[Lookup, bytes]] = asyncio.Queue(config.writes_queued)
        self._meters: dict[str, CacheMeter] = {}

    async def close(self) -> None:
        await self._redis.aclose()

    async def look(
        self,
        policy: FetchPolicy,
        representations: Sequence[Sequence[bytes]],
        variables: Mapping[str, Any],
        lines: bytes,
    ) -> Lookup | None:
        keys = [
            _keys(cached, items, variables, lines) if cached else ()
            for cached, items in zip(policy.policies, representations, strict=True)
        ]
        flat = [key for some in keys for key in some]
        if not flat or len(flat) > self.config.max_keys or not self._patience.admits():
            return None
        try:
            look = await self._cache.look(flat)
        except (RedisError, OSError) as error:
            self._patience.failed(error)
            return None
        self._patience.succeeded()
        lookup = _lookup(policy, keys, representations, look)
        hits = sum(found is not None for found in look.found)
        self._meter(policy.subgraph).looked(hits, len(flat), whole=lookup.is_whole)
        return lookup

    def keep(self, lookup: Lookup, body: bytes) -> None:
        if len(body) > _LARGEST_BODY:
            _DROPPED.inc()
            return
        try:
            self._writes.put_nowait((lookup, body))
        except asyncio.QueueFull:
            _DROPPED.inc()

    async def run(self) -> None:
        """Write until cancelled. An answer that cannot be read is not kept."""
        while True:
            lookup, body = await self._writes.get()
            try:
                await self._write(lookup, body)
            except (RedisError, OSError) as error:
                self._patience.failed(error)
            except Exception:
                # A bug in keeping one answer must not end the keeping of all others.
                logger.exception("an answer could not be kept")
            finally:
                self._writes.task_done()

    async def settled(self) -> None:
        """Once everything that was to be written is."""
        await self._writes.join()

    async def _write(self, lookup: Lookup, body: bytes) -> None:
        limits = Limits(self.config.max_entry_bytes, self.config.max_tags)
        entries = entries_of(lookup.policy, lookup.missing, body, limits)
        if entries:
            kept = await self._cache.write(entries, lookup.moment)
            _KEPT.inc(kept)
            _LATE.inc(len(entries) - kept)

    def _meter(self, subgraph: str) -> CacheMeter:
        meter = self._meters.get(subgraph)
        if meter is None:
            meter = self._meters[subgraph] = CacheMeter(subgraph)
        return meter


def _keys(cached: CachePolicy, items: Sequence[bytes], variables: Mapping[str, Any], lines: bytes) -> tuple[str, ...]:
    """One for each representation: whatever can change the answer goes into its key."""
    start = blake2b(digest_size=20)
    used = {name: variables[name] for name in cached.variables if name in variables}
    for part in (cached.identity, orjson.dumps(used, option=orjson.OPT_SORT_KEYS), lines):
        start.update(b"%d:" % len(part) + part)
    keys = []
    for item in items:
        one = start.copy()
        one.update(item)
        keys.append(one.hexdigest())
    return tuple(keys)


def _lookup(
    policy: FetchPolicy, keys: Sequence[Sequence[str]], representations: Sequence[Sequence[bytes]], look: Look
) -> Lookup:
    found = iter(look.found)
    answers, missing, ages = [], [], []
    for some, items in zip(keys, representations, strict=True):
        entries = list(islice(found, len(some))) or [None] * len(items)
        parsed = [_parsed(entry) for entry in entries]
        absent = [index for index, answer in enumerate(parsed) if answer is None]
        answers.append(parsed)
        missing.append(Missing([some[index] for index in absent] if some else (), [items[index] for index in absent]))
        ages.append(max((entry.age for entry in entries if entry), default=0.0))
    return Lookup(policy, look.moment, tuple(answers), tuple(missing), tuple(ages))


def _parsed(entry: Found | None) -> dict[str, Any] | None:
    if entry is None:
        return None
    try:
        value = orjson.loads(entry.content)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None

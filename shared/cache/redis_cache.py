"""A read cache in Redis that may be empty or away at any time: every failure is a miss, nothing is kept only here."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.telemetry.metrics import CACHE_REQUESTS

log = logging.getLogger(__name__)


class RedisCache:
    """Keys are `<prefix>:<id>`; values are bytes. `prefix` is one of the catalogue: product, session, idempotency."""

    def __init__(self, redis: Redis, *, prefix: str, ttl: timedelta) -> None:
        self._redis = redis
        self._prefix = prefix
        self._ttl = ttl

    @property
    def ttl(self) -> timedelta:
        return self._ttl

    async def find(self, key: str) -> bytes | None:
        return (await self.find_all([key]))[0]

    async def find_all(self, keys: list[str]) -> list[bytes | None]:
        """One answer a key, in order; None is a miss."""
        if not keys:
            return []
        try:
            values = cast("list[bytes | None]", await self._redis.mget([f"{self._prefix}:{key}" for key in keys]))
        except (RedisError, OSError) as error:
            log.warning("cache read failed", extra={"prefix": self._prefix, "error": error})
            CACHE_REQUESTS.labels(self._prefix, "error").inc(len(keys))
            return [None] * len(keys)
        hits = sum(value is not None for value in values)
        CACHE_REQUESTS.labels(self._prefix, "hit").inc(hits)
        CACHE_REQUESTS.labels(self._prefix, "miss").inc(len(keys) - hits)
        return values

    async def put(self, key: str, value: bytes) -> None:
        await self.put_all({key: value})

    async def put_all(self, values: dict[str, bytes]) -> None:
        if not values:
            return
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for key, value in values.items():
                    pipeline.set(f"{self._prefix}:{key}", value, px=self._ttl)
                await pipeline.execute()
        except (RedisError, OSError) as error:
            log.warning("cache write failed", extra={"prefix": self._prefix, "error": error})

    async def drop(self, *keys: str) -> None:
        if not keys:
            return
        try:
            await self._redis.delete(*[f"{self._prefix}:{key}" for key in keys])
        except (RedisError, OSError) as error:
            log.warning("cache drop failed", extra={"prefix": self._prefix, "error": error})

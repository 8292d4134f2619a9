"""Quotas that all replicas count together, in Redis. Loaded only where `api_clients.redis_url` asks for it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic

from redis.exceptions import RedisError

from gateway.security.quotas import LocalCounters
from shared.cache.impatient import impatient_redis

logger = logging.getLogger(__name__)

_CONNECTIONS = 16
_TIMEOUT = 0.25
_PAUSE = 1.0


class SharedCounters:
    """While Redis is away each replica counts for itself from where it last was: a quota may then be passed by as much as
    the others let through, and nobody is refused for want of a counter. Call `close` when done.
    """

    def __init__(self, redis_url: str, clock: Callable[[], float] = monotonic) -> None:
        self._redis = impatient_redis(redis_url, timeout=_TIMEOUT, connections=_CONNECTIONS)
        self._clock = clock
        self._away_until = float("-inf")
        self._local = LocalCounters()

    async def close(self) -> None:
        await self._redis.aclose()

    async def count(self, key: str, lasts: int) -> int:
        here = self._local.count_now(key)
        if self._clock() < self._away_until:
            return here
        try:
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.incr(f"quota:{key}")
                pipeline.expire(f"quota:{key}", lasts, nx=True)
                counted, _ = await pipeline.execute()
        except (RedisError, OSError) as error:
            self._away_until = self._clock() + _PAUSE
            logger.warning("quotas are counted without Redis", extra={"error": error})
            return here
        # Redis may have been emptied: what this replica has counted itself still stands.
        return self._local.at_least(key, int(counted))

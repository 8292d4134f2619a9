"""Who has written so lately that a replica may not show it yet: their own reports come from the primary meanwhile."""

from __future__ import annotations

import logging
from datetime import timedelta

from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.telemetry.metrics import REPLICA_READS

log = logging.getLogger(__name__)

_MARGIN = timedelta(seconds=1)


class LateWriters:
    """Kept in Redis, since the next request may reach another process. `staleness` is the most a replica may be behind."""

    def __init__(self, redis: Redis, domain: str, *, staleness: timedelta) -> None:
        self._redis = redis
        self._domain = domain
        self._prefix = f"writer:{domain}"
        self._kept = staleness + _MARGIN

    async def note(self, caller: str) -> None:
        """After the commit. Never raises for Redis' sake."""
        try:
            await self._redis.set(f"{self._prefix}:{caller}", b"1", px=self._kept)
        except (RedisError, OSError) as error:
            log.warning("writer not noted", extra={"error": error})

    async def wrote(self, caller: str) -> bool:
        """True also where Redis does not tell: the primary is always right."""
        try:
            wrote = bool(await self._redis.exists(f"{self._prefix}:{caller}"))
        except (RedisError, OSError):
            wrote = True
        if wrote:
            REPLICA_READS.labels(self._domain, "own_write").inc()
        return wrote

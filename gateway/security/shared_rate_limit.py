"""Rate limits that all replicas keep together, in Redis. Loaded only where `rate_limit.redis_url` asks for it."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import Any

from redis.exceptions import RedisError

from gateway.errors import RequestRefused
from gateway.security.rate_limit import BucketConfig, RateLimitConfig, rate_limited
from gateway.telemetry.metrics import SHARED_RATES
from shared.cache.impatient import impatient_redis

logger = logging.getLogger(__name__)

_CONNECTIONS = 16
_TIMEOUT = 0.25
_PAUSE = 1.0
_MICROSECONDS = 60_000_000
_OUTCOMES = {name: SHARED_RATES.labels(name) for name in ("admitted", "refused", "away")}

# A bucket is one number: the moment when it will be full again (GCRA). Redis' own clock counts, so that replicas need not
# agree on the time. Either every bucket gives its tokens or none does; the answer is how many microseconds are to wait.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full = {}
for i, key in ipairs(KEYS) do
  local burst, pause, tokens = tonumber(ARGV[3*i-2]), tonumber(ARGV[3*i-1]), tonumber(ARGV[3*i])
  full[i] = math.max(tonumber(redis.call('GET', key) or now), now) + tokens * pause
  local wait = full[i] - burst * pause - now
  if wait > 0 then return math.ceil(wait) end
end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.0f', full[i]), 'PX', math.ceil((full[i] - now) / 1000) + 1)
end
return 0
"""

_Taken = tuple[str, BucketConfig, int]


class SharedRateLimiter:
    """One round trip a request. Redis that fails is left alone for a second; meanwhile each replica's own limits hold, or
    nothing is admitted, as `when_away` says. Call `close` when done.
    """

    def __init__(self, config: RateLimitConfig, redis_url: str, clock: Callable[[], float] = monotonic) -> None:
        self._redis = impatient_redis(redis_url, timeout=_TIMEOUT, connections=_CONNECTIONS)
        self._take: Any = self._redis.register_script(_TAKE)
        self._config = config
        self._clock = clock
        self._away_until = float("-inf")

    async def close(self) -> None:
        await self._redis.aclose()

    async def admit(self, address: str, caller: str | None, root_fields: Iterable[str]) -> None:
        """Raises RequestRefused: 429 with the seconds to wait, 503 where Redis is away and that closes the door."""
        taken = list(self._taken(address, caller, root_fields))
        if not taken:
            return
        wait = await self._ask(taken)
        if wait is None:
            _OUTCOMES["away"].inc()
            if self._config.when_away == "closed":
                raise RequestRefused(
                    "RATE_LIMITS_UNAVAILABLE", "Rates cannot be counted right now.", status=503, retry_after=1
                )
        elif wait > 0:
            _OUTCOMES["refused"].inc()
            raise rate_limited(wait / 1_000_000)
        else:
            _OUTCOMES["admitted"].inc()

    def _taken(self, address: str, caller: str | None, root_fields: Iterable[str]) -> Iterator[_Taken]:
        """What a request takes of which bucket."""
        if self._config.requests is not None:
            yield f"address:{address}", self._config.requests, 1
        if self._config.callers is not None and caller is not None:
            yield caller, self._config.callers, 1
        if self._config.root_fields:
            for name, count in Counter(root_fields).items():
                bucket = self._config.root_fields.get(name)
                if bucket is not None:
                    yield f"{name}:{address}", bucket, count

    async def _ask(self, taken: list[_Taken]) -> int | None:
        """The microseconds to wait; None where Redis does not say."""
        if self._clock() < self._away_until:
            return None
        keys = [f"rate:{key}" for key, _, _ in taken]
        numbers = [(bucket.burst, math.ceil(_MICROSECONDS / bucket.per_minute), count) for _, bucket, count in taken]
        try:
            return int(await self._take(keys=keys, args=[number for three in numbers for number in three]))
        except (RedisError, OSError) as error:
            self._away_until = self._clock() + _PAUSE
            logger.warning("rates are counted without Redis", extra={"error": error})
            return None

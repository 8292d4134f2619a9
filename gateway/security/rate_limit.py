"""Token buckets by client address, by caller, and for single root fields such as `login`. In process: each replica its own."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from gateway.errors import RequestRefused

_BUCKETS = 100_000
"""Buckets kept. An attacker with more addresses than this gets fresh ones, as with any bounded memory."""


class BucketConfig(BaseModel):
    """`burst` at once, refilled at `per_minute`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_minute: float = Field(gt=0)
    burst: int = Field(ge=1)


class RateLimitConfig(BaseModel):
    """`requests` bounds the requests of an address, `callers` those of a signed-in user or a partner wherever they come from,
    `root_fields` how often an address may ask for a field, aliases counted.

    With `redis_url` all replicas keep these limits together, and each keeps them for itself besides. `when_away` says what
    becomes of requests while Redis is away: `open` has the replica's own limits hold, `closed` refuses.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: BucketConfig | None = None
    callers: BucketConfig | None = None
    root_fields: Mapping[str, BucketConfig] = Field(default_factory=dict)
    redis_url: str | None = None
    when_away: Literal["open", "closed"] = "open"


class SharedRates(Protocol):
    """Limits that several replicas keep together."""

    async def admit(self, address: str, caller: str | None, root_fields: Iterable[str]) -> None:
        """Raises RequestRefused."""
        ...

    async def close(self) -> None: ...


class RateLimiter:
    """`clock` counts seconds and never goes back."""

    def __init__(self, config: RateLimitConfig, clock: Callable[[], float] = monotonic) -> None:
        self._config = config
        self.is_on = config != RateLimitConfig()
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, str], list[float]] = OrderedDict()
        """Level and time of the last look, by caller and field."""

    def admit_request(self, client: str) -> None:
        """Raises RequestRefused `RATE_LIMITED` with the seconds to wait."""
        if self._config.requests is not None:
            self._take((client, ""), self._config.requests)

    def admit_caller(self, caller: str | None) -> None:
        """Raises RequestRefused `RATE_LIMITED`. An anonymous caller (None) is bounded by its address alone."""
        if self._config.callers is not None and caller is not None:
            self._take((caller, ""), self._config.callers)

    def admit_root_fields(self, client: str, names: Iterable[str]) -> None:
        """One token for each occurrence of a limited field. Raises RequestRefused `RATE_LIMITED`."""
        if not self._config.root_fields:
            return
        for name in names:
            bucket = self._config.root_fields.get(name)
            if bucket is not None:
                self._take((client, name), bucket)

    def _take(self, key: tuple[str, str], config: BucketConfig) -> None:
        now, rate, burst = self._clock(), config.per_minute / 60, config.burst
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = [burst, now]
            if len(self._buckets) > _BUCKETS:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        level = bucket[0] + (now - bucket[1]) * rate
        level = min(level, burst)
        bucket[1] = now
        if level < 1:
            bucket[0] = level
            raise rate_limited((1 - level) / rate)
        bucket[0] = level - 1


def rate_limited(seconds: float) -> RequestRefused:
    """The refusal of who has to wait for so long."""
    wait = max(1, math.ceil(seconds))
    return RequestRefused("RATE_LIMITED", "Too many requests. Try again later.", status=429, retry_after=wait)

"""How much a partner may ask: so many requests a minute, so many operations a day and a month.

Windows are fixed and in UTC. Every operation counts that comes with a good key and within its minute, whatever becomes of it.
The minute is counted by each replica for itself, day and month by all together where they share a Redis.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import time
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from gateway.errors import RequestRefused

_MINUTE = 60
_MOST_COUNTS = 10_000


class PartnerLimits(BaseModel):
    """None is no limit."""

    model_config = ConfigDict(frozen=True)

    requests_per_minute: int | None = Field(default=None, ge=1)
    operations_per_day: int | None = Field(default=None, ge=1)
    operations_per_month: int | None = Field(default=None, ge=1)


class Counters(Protocol):
    """Counts that end by themselves."""

    async def count(self, key: str, lasts: int) -> int:
        """One more, and how many that are. A key is forgotten `lasts` seconds after it was first counted, or later."""
        ...

    async def close(self) -> None: ...


class LocalCounters:
    """Counts of this process. Old ones go when there are too many."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._counts)

    async def count(self, key: str, lasts: int) -> int:  # noqa: ARG002 - these end with their number
        return self.count_now(key)

    async def close(self) -> None:
        """There is nothing to close."""

    def count_now(self, key: str) -> int:
        counted = self._counts.pop(key, 0) + 1
        # What was counted last stands last, so a window that has passed is the first to go.
        self._counts[key] = counted
        if len(self._counts) > _MOST_COUNTS:
            del self._counts[next(iter(self._counts))]
        return counted

    def at_least(self, key: str, counted: int) -> int:
        """The higher of what was counted here and elsewhere, which is the count from now on."""
        self._counts[key] = max(counted, self._counts.get(key, 0))
        return self._counts[key]


class Quotas:
    """`counters` are for days and months."""

    def __init__(self, counters: Counters, clock: Callable[[], float] = time) -> None:
        self._counters = counters
        self._minutes = LocalCounters()
        self._clock = clock

    async def close(self) -> None:
        await self._counters.close()

    async def admit(self, client_id: str, limits: PartnerLimits) -> None:
        """Count one operation. Raises RequestRefused with status 429: RATE_LIMITED or QUOTA_EXCEEDED."""
        now = self._clock()
        if limits.requests_per_minute is not None:
            minute = int(now // _MINUTE)
            if self._minutes.count_now(f"{client_id}:{minute}") > limits.requests_per_minute:
                wait = (minute + 1) * _MINUTE - now
                raise _refusal("RATE_LIMITED", "Too many requests. Try again later.", wait)
        moment = datetime.fromtimestamp(now, UTC)
        day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        if limits.operations_per_day is not None:
            await self._admit_until(
                f"{client_id}:{day:%Y-%m-%d}", limits.operations_per_day, day + timedelta(days=1), now
            )
        if limits.operations_per_month is not None:
            next_month = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            await self._admit_until(f"{client_id}:{day:%Y-%m}", limits.operations_per_month, next_month, now)

    async def _admit_until(self, key: str, limit: int, end: datetime, now: float) -> None:
        wait = end.timestamp() - now
        if await self._counters.count(key, math.ceil(wait) + _MINUTE) > limit:
            raise _refusal("QUOTA_EXCEEDED", f"The quota of {limit} operations is used up.", wait)


def _refusal(code: str, message: str, wait: float) -> RequestRefused:
    return RequestRefused(code, message, status=429, retry_after=max(1, math.ceil(wait)))

"""Time comes from a clock that is passed in, so that a test can move it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
"""Answers the present moment as an aware UTC datetime."""


def system_clock() -> datetime:
    return datetime.now(UTC)


class MovableClock:
    """A clock that runs `offset` ahead of the system's; a test or a `CLOCK_OFFSET_SECONDS` setting moves it."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.offset = offset

    def __call__(self) -> datetime:
        return system_clock() + self.offset

    def advance(self, by: timedelta) -> None:
        self.offset += by


def format_timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds and a `Z`, as events and documents carry it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

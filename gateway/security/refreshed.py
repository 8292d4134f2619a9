"""Something read from elsewhere that may change there: read again in good time, believed for a while when that fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Generic, TypeVar

logger = logging.getLogger(__name__)

Value = TypeVar("Value")


class NotKnownYet(ConnectionError):
    """What was asked for may be there since a moment ago; in `retry_after` seconds one can tell."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("it was not read since")
        self.retry_after = retry_after


class Refreshed(Generic[Value]):
    """Times in seconds. A value older than `fresh` is read again beside the request that meets it, one older than twice that
    before it; one that cannot be read again is believed up to the age `believed`.

    At most one read is under way, and `pause` lies between two, but for `at_once` that are for what may have come since: of
    those one more is allowed each `pause`. `read` may raise OSError or ValueError.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[Value]],
        *,
        fresh: float,
        believed: float,
        pause: float,
        at_once: int = 0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._read = read
        self._fresh = fresh
        self._believed = believed
        self._pause = pause
        self._at_once = self._spare = float(at_once)
        self._clock = clock
        self._value: Value | None = None
        self._read_at = self._tried_at = self._began_at = float("-inf")
        self._spared_at = clock()
        self._reading: asyncio.Task[None] | None = None

    async def get(self) -> Value:
        """Raises ConnectionError where there is nothing that may still be believed."""
        age = self._clock() - self._read_at
        if age >= self._fresh and (self._reading is not None or self._may_read()):
            reading = self._start()
            if age >= 2 * self._fresh:
                await asyncio.shield(reading)
        return self._believable()

    def now(self) -> float:
        return self._clock()

    async def get_since(self, moment: float) -> Value:
        """A value that began to be read at `moment` or later: what it does not hold was not there by then.

        Raises NotKnownYet where it was read before, and the pause is not over or reading fails.
        """
        if self._began_at < moment and self._reading is not None:
            await asyncio.shield(self._reading)  # This one may have begun before.
        if self._began_at < moment:
            if not (self._may_read() or self._take_spare()):
                raise NotKnownYet(self._pause - (self._clock() - self._tried_at))
            await asyncio.shield(self._start())
        if self._began_at < moment:
            raise NotKnownYet(self._pause)
        return self._believable()

    def _believable(self) -> Value:
        if self._value is None or self._clock() - self._read_at >= self._believed:
            raise ConnectionError("it cannot be read")
        return self._value

    def _may_read(self) -> bool:
        return self._clock() - self._tried_at >= self._pause

    def _take_spare(self) -> bool:
        now = self._clock()
        self._spare = min(self._at_once, self._spare + (now - self._spared_at) / self._pause)
        self._spared_at = now
        if self._spare < 1:
            return False
        self._spare -= 1
        return True

    def _start(self) -> asyncio.Task[None]:
        # A task of its own: the request that began it may go away without failing the others.
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._refresh())
        return self._reading

    async def _refresh(self) -> None:
        began_at = self._tried_at = self._clock()
        try:
            self._value = await self._read()
            self._read_at, self._began_at = self._clock(), began_at
        except (OSError, ValueError):
            logger.exception("reading again failed")
        finally:
            self._reading = None

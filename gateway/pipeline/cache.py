"""A bounded cache of things that are expensive to make: least recently used out first, made once for all who wait."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class SingleFlightCache(Generic[Key, Value]):
    """At most `size` values. A failure reaches all who wait for it and is not kept."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[Key, Value] = OrderedDict()
        self._flights: dict[Key, asyncio.Future[Value]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def keys(self) -> tuple[Key, ...]:
        """The keys of what is kept, least recently used first."""
        return tuple(self._kept)

    def find(self, key: Key) -> Value | None:
        value = self._kept.get(key)
        if value is not None:
            self._kept.move_to_end(key)
        return value

    def keep(self, key: Key, value: Value) -> None:
        """Keep a value that was made elsewhere."""
        self._kept[key] = value
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)

    async def make(self, key: Key, make: Callable[[], Awaitable[Value]]) -> Value:
        """The value for `key`; `make` is awaited only where nobody else is at it."""
        flight = self._flights.get(key)
        if flight is None:
            # A task of its own: the first client to ask may go away without failing the others.
            flight = self._flights[key] = asyncio.ensure_future(make())
            flight.add_done_callback(lambda done: self._land(key, done))
        return await asyncio.shield(flight)

    def _land(self, key: Key, flight: asyncio.Future[Value]) -> None:
        del self._flights[key]
        if flight.cancelled() or flight.exception() is not None:
            return
        self.keep(key, flight.result())

"""Waits for what is eventually consistent: looks again and again, and fails with a name for what never came."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE_SECONDS = 60.0
_INTERVAL_SECONDS = 0.05


async def eventually(what: str, look: Callable[[], Awaitable[T]], *, patience: float = PATIENCE_SECONDS) -> T:
    """The first truthy answer of `look`. The bound only ends a broken test; no assertion is about time."""
    for _ in range(int(patience / _INTERVAL_SECONDS)):
        found = await look()
        if found:
            return found
        await asyncio.sleep(_INTERVAL_SECONDS)
    raise AssertionError(f"never came: {what}")

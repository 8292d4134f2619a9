"""How many subscriptions and connections there may be, altogether and for one client."""

from __future__ import annotations

from collections import Counter

from gateway.errors import RequestRefused


class StreamLimits:
    """Counts what is open, by client. One for subscriptions, one for connections."""

    def __init__(self, code: str, things: str, *, total: int, per_client: int) -> None:
        self._code = code
        self._things = things
        self._total = total
        self._per_client = per_client
        self._open: Counter[str] = Counter()
        self._count = 0

    def admit(self, client: str) -> None:
        """Count one more. Raises RequestRefused, status 429, where the client has its share, or 503 where nobody gets more."""
        if self._open[client] >= self._per_client:
            raise RequestRefused(self._code, f"Too many {self._things}: end one first.", status=429)
        if self._count >= self._total:
            raise RequestRefused("OVERLOADED", "Too much to do. Try again.", status=503, retry_after=1)
        self._open[client] += 1
        self._count += 1

    def release(self, client: str) -> None:
        """Count one less."""
        self._count -= 1
        self._open[client] -= 1
        if not self._open[client]:
            del self._open[client]

"""How many requests are being answered: bounded, counted and timed alike on every way in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from gateway.errors import RequestRefused
from gateway.pipeline.request import GraphQLRequest
from gateway.telemetry.metrics import IN_FLIGHT, REFUSALS
from gateway.telemetry.operations import UNLISTED, OperationMeter


class Load:
    """At most `most` requests at the same time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._in_flight = 0

    def check(self) -> None:
        """Raises RequestRefused where there are too many."""
        if self._in_flight >= self._most:
            UNLISTED.shed.inc()
            REFUSALS.labels("OVERLOADED").inc()
            raise RequestRefused("OVERLOADED", "Too much to do. Try again.", status=503, retry_after=1)

    def enter(self) -> float:
        """Count a request as being answered; gives when, for `leave`. Raises RequestRefused where there are too many."""
        if self._in_flight >= self._most:
            self.check()
        self._in_flight += 1
        IN_FLIGHT.value += 1
        return perf_counter()

    def leave(self, entered: float, meter: OperationMeter) -> None:
        """Count it off."""
        self._in_flight -= 1
        IN_FLIGHT.value -= 1
        meter.seconds.observe(perf_counter() - entered)

    @contextmanager
    def counted(self, request: GraphQLRequest | None = None) -> Iterator[None]:
        """Both, around a block that answers the request, or several of one HTTP request: these are no operation's time."""
        entered = self.enter()
        try:
            yield
        finally:
            self.leave(entered, UNLISTED if request is None else request.meter)

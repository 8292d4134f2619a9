"""Counts and times requests by the operation they ask for: those of the manifests by name, all else as `other`.

Names come from manifests alone, never from a request, and at most `MOST_OPERATIONS` are told apart until a restart: a series
is kept by every replica and by Prometheus.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.telemetry.metrics import REQUEST_SECONDS, REQUESTS
from gateway.telemetry.tallies import Tally
from shared.telemetry.labels import OTHER, Capped

MOST_OPERATIONS = 200

OUR_FAULT = frozenset(
    {
        "INTERNAL_SERVER_ERROR",
        "SUBREQUEST_FAILED",
        "SUBGRAPH_UNAVAILABLE",
        "SUBGRAPH_CIRCUIT_OPEN",
        "NON_NULL_VIOLATION",
        "INVALID_VALUE",
    }
)
"""Codes of errors in an answer that no client has caused."""


class OperationMeter:
    """What became of the requests for one operation. On the loop's thread alone."""

    __slots__ = ("degraded", "failed", "ok", "partial", "refused", "seconds", "shed")

    def __init__(self, name: str) -> None:
        self.seconds = REQUEST_SECONDS.labels(name)
        self.ok = REQUESTS.labels(name, "ok")
        self.partial = REQUESTS.labels(name, "partial")
        self.degraded = REQUESTS.labels(name, "degraded")
        self.refused = REQUESTS.labels(name, "refused")
        self.failed = REQUESTS.labels(name, "failed")
        self.shed = REQUESTS.labels(name, "shed")

    def of(self, errors: Iterable[Mapping[str, Any]]) -> Tally:
        """Where an answer with errors in it is counted: ours, or what the client may not see or has asked wrongly."""
        ours = any((error.get("extensions") or {}).get("code") in OUR_FAULT for error in errors)
        return self.degraded if ours else self.partial


UNLISTED = OperationMeter(OTHER)
"""For whatever no manifest lists, and before it is known what is asked for."""


class OperationMeters:
    """The meters of listed operations by name. A name that two clients use is one."""

    def __init__(self, most: int = MOST_OPERATIONS) -> None:
        self._label = Capped(most)
        self._meters = {OTHER: UNLISTED}

    def of(self, name: str) -> OperationMeter:
        label = self._label(name)
        meter = self._meters.get(label)
        if meter is None:
            meter = self._meters[label] = OperationMeter(label)
        return meter


LISTED = OperationMeters()

"""Keeps label values few: every series of a metric is kept by each process and by Prometheus, for ever."""

from __future__ import annotations

OTHER = "other"


class Capped:
    """The first `most` values as they are, any further one as `other`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        if value in self._known:
            return value
        if len(self._known) >= self._most:
            return OTHER
        self._known.add(value)
        return value

"""What the requests of one run took. Made only for a run whose client wants to see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

from gateway.cache.lookup import Lookup
from gateway.executor.entity_loader import EntityBatch


@dataclass(frozen=True, slots=True)
class FetchRun:
    """One request of a fetch: seconds from the start of the run, and its outcome by its name in the metrics.

    `entities` were asked for, and `cached` came from the cache in place of being asked for. Where nothing was left to ask for
    the outcome is `cached`.
    """

    start: float
    duration: float
    outcome: str
    entities: int
    cached: int


class RunTrace:
    """Starts with the run. `runs` are the requests by the id of their fetch: none for one that there was no need for."""

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._started = clock()
        self.runs: dict[int, list[FetchRun]] = {}

    @property
    def elapsed(self) -> float:
        """Seconds since the start of the run."""
        return self._clock() - self._started

    def asked(
        self, fetch_id: int, started: float, outcome: str, batches: Sequence[EntityBatch], lookup: Lookup | None
    ) -> None:
        """A request has ended that began at `started` on the same clock."""
        entities = sum(len(batch.representations) for batch in batches)
        duration = self._clock() - started
        self._note(fetch_id, FetchRun(started - self._started, duration, outcome, entities, _found(lookup)))

    def known(self, fetch_id: int, lookup: Lookup) -> None:
        """The cache had all of it."""
        self._note(fetch_id, FetchRun(self.elapsed, 0.0, "cached", 0, _found(lookup)))

    def _note(self, fetch_id: int, run: FetchRun) -> None:
        self.runs.setdefault(fetch_id, []).append(run)


def _found(lookup: Lookup | None) -> int:
    if lookup is None:
        return 0
    return sum(answer is not None for answers in lookup.answers for answer in answers)

"""What the work on one operation may take."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from gateway.errors import PlanError

MAX_STEPS = 10_000
"""Where an operation takes more, it is refused after less than a tenth of a second."""

_STEPS_BETWEEN_LOOKS = 256


class Budget:
    """Counts the steps of one operation from its normal form to its plan, and looks at the clock now and then.

    A step is what takes some microseconds, so that the number of steps is in proportion to the time. The time is a bound
    beside it for what was not foreseen, and for a machine that has no time.
    """

    def __init__(
        self, steps: int = MAX_STEPS, *, seconds: float | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        self.steps = 0
        self._limit = steps
        self._seconds = seconds
        self._clock = clock
        self._deadline = clock() + seconds if seconds is not None else None
        self._next_look = _STEPS_BETWEEN_LOOKS

    def spend(self, steps: int = 1) -> None:
        """Raises PlanError `PLAN_BUDGET_EXCEEDED` once more steps or more time are taken than planning may take."""
        self.steps += steps
        if self.steps > self._limit:
            raise PlanError("PLAN_BUDGET_EXCEEDED", f"Planning the operation takes more than {self._limit} steps.")
        if self.steps >= self._next_look:
            self._look()

    def _look(self) -> None:
        self._next_look = self.steps + _STEPS_BETWEEN_LOOKS
        if self._deadline is not None and self._clock() > self._deadline:
            raise PlanError("PLAN_BUDGET_EXCEEDED", f"Planning the operation takes more than {self._seconds:g} s.")

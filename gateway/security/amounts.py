"""Arithmetic on numbers that are known, or known with the variables. Never below zero, never above SATURATED."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.planner.plan import Condition

SATURATED = 10**12

Variables = Mapping[str, Any]


class Reading:
    """The variables of one request, and what was worked out of them so far: what many places share is worked out once."""

    __slots__ = ("_known", "variables")

    def __init__(self, variables: Variables) -> None:
        self.variables = variables
        self._known: dict[Varying, int] = {}

    def of(self, amount: Amount) -> int:
        return amount if isinstance(amount, int) else amount.read(self)

    def once(self, amount: Varying) -> int:
        known = self._known.get(amount)
        if known is None:
            known = self._known[amount] = amount.read(self)
        return known


@dataclass(frozen=True, slots=True, eq=False)
class Varying:
    """A number that needs the variables. `least` is what it cannot be below, whatever they are."""

    read: Callable[[Reading], int]
    least: int = 0


Amount = int | Varying


def least(amount: Amount) -> int:
    """What an amount is whatever the variables are, or what it is at least."""
    return amount if isinstance(amount, int) else amount.least


def total(amounts: Iterable[Amount]) -> Amount:
    """The sum. What is known is added up at once."""
    known, varying = _divided(amounts)
    floor = _bounded(sum(known))
    if not varying:
        return floor
    below = _bounded(floor + sum(map(least, varying)))
    return Varying(lambda reading: _bounded(floor + sum(amount.read(reading) for amount in varying)), below)


def largest(amounts: Iterable[Amount]) -> Amount:
    """The greatest of them; zero without any."""
    known, varying = _divided(amounts)
    floor = max(known, default=0)
    if not varying:
        return floor
    below = max(floor, *map(least, varying))
    return Varying(lambda reading: max(floor, *(amount.read(reading) for amount in varying)), below)


def product(left: Amount, right: Amount) -> Amount:
    if isinstance(left, int) and isinstance(right, int):
        return _bounded(left * right)
    if 0 in (left, right):
        return 0
    below = _bounded(least(left) * least(right))
    return Varying(lambda reading: _bounded(reading.of(left) * reading.of(right)), below)


def gated(condition: Condition, amount: Amount) -> Amount:
    """`amount` where all of @include and nothing of @skip holds, else zero."""
    if amount == 0 or not (condition.include or condition.skip):
        return amount

    def open_or_zero(reading: Reading) -> int:
        included = all(reading.variables.get(name) is True for name in condition.include)
        skipped = any(reading.variables.get(name) is True for name in condition.skip)
        return reading.of(amount) if included and not skipped else 0

    return Varying(open_or_zero)


def shared(amount: Amount) -> Amount:
    """The same for use at many places: they read it once a request between them."""
    return amount if isinstance(amount, int) else Varying(lambda reading: reading.once(amount), amount.least)


def _divided(amounts: Iterable[Amount]) -> tuple[list[int], list[Varying]]:
    known: list[int] = []
    varying: list[Varying] = []
    for amount in amounts:
        if isinstance(amount, int):
            known.append(amount)
        else:
            varying.append(amount)
    return known, varying


def _bounded(value: int) -> int:
    return min(SATURATED, max(0, value))

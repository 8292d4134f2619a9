"""Arithmetic on numbers that are known, or known with the variables. Never below zero, never above SATURATED."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gateway.planner.plan import Condition

SATURATED = 10**12

Variables = Mapping[str, Any]
Amount = int | Callable[[Variables], int]


def value_of(amount: Amount, variables: Variables) -> int:
    return amount if isinstance(amount, int) else amount(variables)


def total(amounts: Iterable[Amount]) -> Amount:
    """The sum. What is known is added up at once."""
    known, unknown = _divided(amounts)
    return _folded(unknown, lambda values: _bounded(sum(known) + sum(values)))


def largest(amounts: Iterable[Amount]) -> Amount:
    """The greatest of them; zero without any."""
    known, unknown = _divided(amounts)
    floor = max(known, default=0)
    return _folded(unknown, lambda values: _bounded(max(floor, *values) if values else floor))


def product(left: Amount, right: Amount) -> Amount:
    if isinstance(left, int) and isinstance(right, int):
        return _bounded(left * right)
    if 0 in (left, right):
        return 0
    return lambda variables: _bounded(value_of(left, variables) * value_of(right, variables))


def gated(condition: Condition, amount: Amount) -> Amount:
    """`amount` where all of @include and nothing of @skip holds, else zero."""
    if amount == 0 or not (condition.include or condition.skip):
        return amount

    def open_or_zero(variables: Variables) -> int:
        included = all(variables.get(name) is True for name in condition.include)
        skipped = any(variables.get(name) is True for name in condition.skip)
        return value_of(amount, variables) if included and not skipped else 0

    return open_or_zero


def _divided(amounts: Iterable[Amount]) -> tuple[list[int], list[Callable[[Variables], int]]]:
    known: list[int] = []
    unknown: list[Callable[[Variables], int]] = []
    for amount in amounts:
        if isinstance(amount, int):
            known.append(amount)
        else:
            unknown.append(amount)
    return known, unknown


def _folded(unknown: list[Callable[[Variables], int]], fold: Callable[[list[int]], int]) -> Amount:
    if not unknown:
        return fold([])
    return lambda variables: fold([amount(variables) for amount in unknown])


def _bounded(value: int) -> int:
    return min(SATURATED, max(0, value))

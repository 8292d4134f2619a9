"""Sets of alternative conditions: something is needed if any of them holds."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.planner.budget import Budget
from gateway.planner.operation import ALWAYS
from gateway.planner.plan import Condition

Alternatives = frozenset[Condition]

NEVER: Alternatives = frozenset()


def simplify(alternatives: Iterable[Condition], budget: Budget) -> Alternatives:
    """The same alternatives without those that others cover; `$a or not $a` becomes always."""
    found = set(alternatives)
    while len(found) > 1:
        # Each is held against each.
        budget.spend(1 + len(found) ** 2 // 8)
        merged = _merge_opposites(found)
        found |= merged
        kept = {one for one in found if not any(other != one and implies(one, other) for other in found)}
        if kept == found and not merged:
            return frozenset(found)
        if kept == found - merged:
            return frozenset(kept)
        found = kept
    return frozenset(found)


def implies(one: Condition, other: Condition) -> bool:
    """Whether `other` holds whenever `one` does."""
    return other.include <= one.include and other.skip <= one.skip


def both(one: Condition, other: Condition) -> Condition:
    """What holds when both hold."""
    return Condition(one.include | other.include, one.skip | other.skip)


def without(condition: Condition, known: Condition) -> Condition:
    """What is left to check where `known` holds already."""
    return Condition(condition.include - known.include, condition.skip - known.skip)


def contradict(one: Condition, other: Condition) -> bool:
    """Whether the two can never hold together."""
    return bool(one.include & other.skip or one.skip & other.include)


def common(alternatives: Alternatives) -> Condition:
    """What holds in every alternative."""
    conditions = list(alternatives)
    if not conditions:
        return ALWAYS
    include = frozenset.intersection(*(condition.include for condition in conditions))
    return Condition(include, frozenset.intersection(*(condition.skip for condition in conditions)))


def ordered(alternatives: Alternatives) -> list[Condition]:
    """The alternatives in a stable order."""
    return sorted(alternatives, key=lambda condition: (sorted(condition.include), sorted(condition.skip)))


def _merge_opposites(found: set[Condition]) -> set[Condition]:
    """For every pair that differs in one variable alone, asked for both ways: what the pair has in common."""
    merged: set[Condition] = set()
    for one in found:
        for name in one.include:
            rest = one.include - {name}
            if Condition(rest, one.skip | {name}) in found:
                merged.add(Condition(rest, one.skip))
    return merged - found

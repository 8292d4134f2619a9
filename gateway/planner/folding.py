"""Folds equal selections on different types into one, so that what is below them is planned once and not for each type.

Two of them become one only where no object sees another order of its fields: one of the two must be able to move to the
other past selections that concern other types alone.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace

from graphql import get_named_type

from gateway.planner.budget import Budget
from gateway.planner.operation import FieldSelection, Operation
from gateway.supergraph.field_set import arguments_text


def fold(operation: Operation, budget: Budget, apart: frozenset[str] = frozenset()) -> Operation:
    """The same operation in fewer selections; the operation itself where there is nothing to fold.

    On objects of the interfaces `apart` nothing is folded: some subgraph cannot tell their types (@interfaceObject), and
    they must be found out wherever the client's selections tell types apart, which projection reads unfolded.
    """
    selections = _fold_below(operation.selections, operation.root_type, apart, budget)
    return operation if selections is operation.selections else replace(operation, selections=selections)


def _fold_below(
    selections: tuple[FieldSelection, ...], type_name: str, apart: frozenset[str], budget: Budget
) -> tuple[FieldSelection, ...]:
    below = [
        _fold_below(each.selections, get_named_type(each.type).name, apart, budget)
        if each.selections
        else each.selections
        for each in selections
    ]
    if any(mine is not each.selections for mine, each in zip(below, selections, strict=True)):
        selections = tuple(replace(each, selections=mine) for mine, each in zip(below, selections, strict=True))
    if type_name in apart:
        return selections
    groups: dict[object, list[int]] = {}
    for position, selection in enumerate(selections):
        key = (selection.response_key, selection.name, selection.condition, str(selection.type))
        groups.setdefault(key, []).append(position)
    if len(groups) == len(selections):
        return selections
    folding = _Folding(selections, budget)
    for positions in groups.values():
        if len(positions) > 1:
            folding.fold(positions)
    kept = tuple(selection for selection in folding.selections if selection is not None)
    return kept if len(kept) < len(selections) else selections


class _Folding:
    def __init__(self, selections: Sequence[FieldSelection], budget: Budget) -> None:
        self._budget = budget
        self.selections: list[FieldSelection | None] = list(selections)
        self._positions: dict[str, list[int]] = {}
        for position, selection in enumerate(selections):
            for name in selection.types:
                self._positions.setdefault(name, []).append(position)

    def fold(self, positions: Sequence[int]) -> None:
        """Fold selections that differ at most in types, arguments and what is below."""
        kept: list[int] = []
        for position in positions:
            # What was seen last stands nearest.
            merged = next(
                (index for index in reversed(range(len(kept))) if self._merge(kept[index], position) is not None), None
            )
            if merged is None:
                kept.append(position)
            elif self.selections[kept[merged]] is None:
                kept[merged] = position

    def _merge(self, first: int, second: int) -> int | None:
        """Make one of two selections; gives where it stands, or None if they have to stay apart."""
        self._budget.spend()
        one, other = self.selections[first], self.selections[second]
        assert one is not None
        assert other is not None
        if one.types & other.types or not _same(one, other):
            return None
        if all(self._is_free(name, first, second) for name in other.types):
            left, kept = second, first
        elif all(self._is_free(name, first, second) for name in one.types):
            left, kept = first, second
        else:
            return None
        moved = self.selections[left]
        assert moved is not None
        for name in moved.types:
            positions = self._positions[name]
            positions[bisect_left(positions, left)] = kept
        self.selections[left] = None
        self.selections[kept] = replace(one, types=one.types | other.types)
        return kept

    def _is_free(self, name: str, first: int, second: int) -> bool:
        """Whether objects of a type see nothing between two positions."""
        positions = self._positions[name]
        return bisect_right(positions, first) == bisect_left(positions, second)


def _same(one: FieldSelection, other: FieldSelection) -> bool:
    """Whether two selections ask the same of their objects. Response key, name, type and condition were compared already."""
    if arguments_text(one.arguments) != arguments_text(other.arguments):
        return False
    if one.selections is None or other.selections is None:
        return one.selections is other.selections
    if len(one.selections) != len(other.selections):
        return False
    return all(_equal(mine, theirs) for mine, theirs in zip(one.selections, other.selections, strict=True))


def _equal(one: FieldSelection, other: FieldSelection) -> bool:
    if (one.response_key, one.name, one.types, one.condition) != (
        other.response_key,
        other.name,
        other.types,
        other.condition,
    ):
        return False
    return str(one.type) == str(other.type) and _same(one, other)

"""Prints the document of a request: minified GraphQL, with conditions as @include and @skip."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count, zip_longest

from gateway.planner.budget import Budget
from gateway.planner.conditions import Alternatives, both, contradict, implies, ordered, simplify, without
from gateway.planner.operation import ALWAYS
from gateway.planner.plan import Condition, Items, PathSegment, Rename
from gateway.planner.selection_tree import Level, SelectedField


def print_level(level: Level, known: Condition, budget: Budget) -> str:
    """The selections of a level without the braces, given what is `known` to hold there."""
    parts = [text for item in level.fields.values() for text in _print_field(item, known, budget)]
    for name, narrowed in level.on.items():
        text = print_level(narrowed, known, budget)
        if text:
            parts.append(f"...on {name}{{{text}}}")
    return " ".join(parts)


def level_conditions(level: Level, budget: Budget) -> Alternatives:
    """When anything of a level is wanted at all."""
    return simplify((condition for item in level.all_fields() for condition in item.conditions), budget)


def _print_field(item: SelectedField, known: Condition, budget: Budget) -> Iterable[str]:
    key = item.printed_key or item.response_key
    head = item.name if key == item.name else f"{key}:{item.name}"
    for condition in ordered(simplify(item.conditions, budget)):
        budget.spend()
        if contradict(condition, known):
            continue
        # Where one alternative holds anyway the others add nothing.
        checked = without(condition, known)
        body = ""
        if item.level is not None:
            body = _print_body(item.level, both(known, condition), budget)
        yield _gated(checked, f"{head}{item.all_arguments}", body)
        if checked == ALWAYS:
            return


def _print_body(level: Level, known: Condition, budget: Budget) -> str:
    """A selection set is never empty, not even where all its fields are left out."""
    text = print_level(level, known, budget)
    alternatives = (condition for item in level.fields.values() for condition in simplify(item.conditions, budget))
    certain = any(implies(known, condition) for condition in alternatives)
    if not text:
        return "{__typename}"
    return f"{{{text}}}" if certain or level.on else f"{{__typename {text}}}"


def _gated(condition: Condition, field: str, body: str) -> str:
    """A field under a condition. A directive may stand only once in a place, so that more of them need fragments around."""
    include, skip = sorted(condition.include), sorted(condition.skip)
    text = f"{field}{_directives(include[:1], skip[:1])}{body}"
    for one, other in zip_longest(include[1:], skip[1:]):
        text = f"...{_directives([one] if one else [], [other] if other else [])}{{{text}}}"
    return text


def _directives(include: Sequence[str], skip: Sequence[str]) -> str:
    return "".join([f"@include(if:${name})" for name in include] + [f"@skip(if:${name})" for name in skip])


def condition_variables(level: Level, budget: Budget) -> set[str]:
    """The variables that the conditions of a level name."""
    found: set[str] = set()
    for item in level.all_fields():
        for condition in simplify(item.conditions, budget):
            found |= condition.include | condition.skip
        if item.level is not None:
            found |= condition_variables(item.level, budget)
    return found


def argument_texts(level: Level) -> set[str]:
    """The texts of all arguments of a level and below."""
    found: set[str] = set()
    for item in level.all_fields():
        found.add(item.arguments)
        if item.level is not None:
            found |= argument_texts(item.level)
    return found


def separate_conflicts(levels: Iterable[Level], path: tuple[PathSegment, ...] = ()) -> list[Rename]:
    """Ask fields under another key which may not stand beside a field of the same key: their types differ.

    GraphQL lets fields of different object types share a key only if their types have the same shape, and a client sees
    other types than a subgraph does. The renames say where to move the values afterwards, below `path`.
    """
    groups: dict[str, list[SelectedField]] = {}
    for level in levels:
        for item in level.all_fields():
            groups.setdefault(item.response_key, []).append(item)
    renames: list[Rename] = []
    for key, items in groups.items():
        renames.extend(_separate(key, items, groups, path))
    return renames


def _separate(
    key: str, items: list[SelectedField], taken: Mapping[str, object], path: tuple[PathSegment, ...]
) -> list[Rename]:
    renames: list[Rename] = []
    printed: dict[str, tuple[_Shapes, list[SelectedField]]] = {}
    for item in items:
        names = chain((key,), (name for name in (f"_{number}_{key}" for number in count(1)) if name not in taken))
        name = next(name for name in names if printed.setdefault(name, (_Shapes(), []))[0].take(item))
        printed[name][1].append(item)
        if name != key:
            item.printed_key = name
    for name, (_, group) in printed.items():
        if not group:
            continue
        if name != key:
            renames.append(Rename(path, name, key))
        below = [item.level for item in group if item.level is not None]
        lists = tuple(Items() for _ in range(group[0].type.count("[")))
        renames.extend(separate_conflicts(below, (*path, key, *lists)))
    return renames


class _Shapes:
    """The shapes of fields that share a response key: of each field its type, and below it those of all fields together."""

    def __init__(self) -> None:
        self._type: str | None = None
        self._below: dict[str, _Shapes] | None = None

    def take(self, item: SelectedField) -> bool:
        """Add a field; False and no change if it does not fit in with the others."""
        if not self.fits(item):
            return False
        self.add(item)
        return True

    def fits(self, item: SelectedField) -> bool:
        """Whether a field may stand beside the others."""
        if self._type is None:
            return True
        if self._type != _shape(item):
            return False
        below = self._below or {}
        inner = item.level.all_fields() if item.level is not None else ()
        return all(child.response_key not in below or below[child.response_key].fits(child) for child in inner)

    def add(self, item: SelectedField) -> None:
        """Note the shape of a field."""
        self._type = _shape(item)
        if item.level is None:
            return
        if self._below is None:
            self._below = {}
        for child in item.level.all_fields():
            self._below.setdefault(child.response_key, _Shapes()).add(child)


def _shape(item: SelectedField) -> str:
    """A leaf's type must be the same; of a composite field's type only lists and non-nulls must."""
    return item.type if item.level is None else re.sub(r"\w+", "{}", item.type)

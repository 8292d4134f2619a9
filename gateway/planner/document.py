"""Prints the document of a request: minified GraphQL, with conditions as @include and @skip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count

from graphql import ListTypeNode, NonNullTypeNode, TypeNode, print_ast

from gateway.planner.conditions import Alternatives, both, contradict, implies, ordered, simplify, without
from gateway.planner.operation import ALWAYS
from gateway.planner.plan import Condition, Items, PathSegment, Rename
from gateway.planner.selection_tree import Level, SelectedField


def print_level(level: Level, known: Condition) -> str:
    """The selections of a level without the braces, given what is `known` to hold there."""
    parts = [text for item in level.fields.values() for text in _print_field(item, known)]
    for name, narrowed in level.on.items():
        text = print_level(narrowed, known)
        if text:
            parts.append(f"...on {name}{{{text}}}")
    return " ".join(parts)


def level_conditions(level: Level) -> Alternatives:
    """When anything of a level is wanted at all."""
    return simplify(condition for item in level.all_fields() for condition in item.conditions)


def _print_field(item: SelectedField, known: Condition) -> Iterable[str]:
    key = item.printed_key or item.response_key
    head = item.name if key == item.name else f"{key}:{item.name}"
    for condition in ordered(simplify(item.conditions)):
        if contradict(condition, known):
            continue
        # Where one alternative holds anyway the others add nothing.
        checked = without(condition, known)
        body = ""
        if item.level is not None:
            body = _print_body(item.level, both(known, condition))
        yield f"{head}{item.arguments}{_directives(checked)}{body}"
        if checked == ALWAYS:
            return


def _print_body(level: Level, known: Condition) -> str:
    """A selection set is never empty, not even where all its fields are left out."""
    text = print_level(level, known)
    certain = any(implies(known, condition) for item in level.fields.values() for condition in item.conditions)
    if not text:
        return "{__typename}"
    return f"{{{text}}}" if certain or level.on else f"{{__typename {text}}}"


def _directives(condition: Condition) -> str:
    included = "".join(f"@include(if:${name})" for name in sorted(condition.include))
    return included + "".join(f"@skip(if:${name})" for name in sorted(condition.skip))


def condition_variables(level: Level) -> set[str]:
    """The variables that the conditions of a level name."""
    found: set[str] = set()
    for item in level.all_fields():
        for condition in simplify(item.conditions):
            found |= condition.include | condition.skip
        if item.level is not None:
            found |= condition_variables(item.level)
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
    printed: dict[str, list[SelectedField]] = {}
    for item in items:
        names = (key if number == 0 else f"_{number}_{key}" for number in count())
        free = (name for name in names if name == key or name not in taken)
        name = next(name for name in free if all(_same_shape(item, other) for other in printed.get(name, ())))
        printed.setdefault(name, []).append(item)
        if name != key:
            item.printed_key = name
            if name not in {rename.alias for rename in renames}:
                renames.append(Rename(path, name, key))
    for group in printed.values():
        lists = tuple(Items() for _ in range(_wrapping(group[0].type).count("[")))
        below = [item.level for item in group if item.level is not None]
        renames.extend(separate_conflicts(below, (*path, key, *lists)))
    return renames


def _same_shape(one: SelectedField, other: SelectedField) -> bool:
    if one.level is None or other.level is None:
        return one.level is other.level and print_ast(one.type) == print_ast(other.type)
    if _wrapping(one.type) != _wrapping(other.type):
        return False
    theirs: dict[str, list[SelectedField]] = {}
    for item in other.level.all_fields():
        theirs.setdefault(item.response_key, []).append(item)
    return all(
        _same_shape(item, match) for item in one.level.all_fields() for match in theirs.get(item.response_key, ())
    )


def _wrapping(node: TypeNode) -> str:
    match node:
        case ListTypeNode():
            return f"[{_wrapping(node.type)}"
        case NonNullTypeNode():
            return f"{_wrapping(node.type)}!"
    return ""

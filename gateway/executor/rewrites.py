"""Undoes the planner's aliases in an answer, and walks the paths of a plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gateway.planner.plan import Items, OnTypes, PathSegment, Rename

ResponsePath = tuple[str | int, ...]


def objects_at(start: Any, path: Sequence[PathSegment], typename: str | None = None) -> list[dict[str, Any]]:
    """The objects under `start` at `path`, in the order of the tree. What is null or missing on the way is left out.

    `typename` is the concrete type of `start` where `start` itself does not say it.
    """
    found = [start] if type(start) is dict else []
    level: list[Any] = list(found)
    for depth, segment in enumerate(path):
        match segment:
            case str():
                level = [item[segment] for item in level if type(item) is dict and item.get(segment) is not None]
            case Items():
                level = [item for items in level if type(items) is list for item in items if item is not None]
            case OnTypes():
                first = typename if depth == 0 else None
                level = [
                    item for item in level if type(item) is dict and item.get("__typename", first) in segment.names
                ]
    return [item for item in level if type(item) is dict]


def located_objects(start: Any, path: Sequence[PathSegment]) -> Iterator[tuple[ResponsePath, dict[str, Any]]]:
    """As `objects_at`, each with its response path: slower, for errors only."""
    level: list[tuple[ResponsePath, Any]] = [((), start)]
    for segment in path:
        match segment:
            case str():
                level = [((*at, segment), item.get(segment)) for at, item in level if type(item) is dict]
            case Items():
                level = [
                    ((*at, index), item)
                    for at, items in level
                    if type(items) is list
                    for index, item in enumerate(items)
                ]
            case OnTypes():
                level = [
                    (at, item) for at, item in level if type(item) is dict and item.get("__typename") in segment.names
                ]
    yield from ((at, item) for at, item in level if type(item) is dict)


def apply_renames(value: Any, renames: Sequence[Rename], typename: str | None = None) -> None:
    """Move each alias to its response key. `typename`: the concrete type of `value` where the answer does not carry it."""
    for rename in renames:
        for item in objects_at(value, rename.path, typename):
            if rename.alias not in item:
                continue
            concrete = item.get("__typename", None if rename.path else typename)
            if rename.on_types is None or concrete in rename.on_types:
                item[rename.name] = item.pop(rename.alias)


def static_prefix(path: Sequence[PathSegment]) -> ResponsePath:
    """The response keys up to the first list: where a fetch that failed as a whole is reported."""
    keys: list[str | int] = []
    for segment in path:
        match segment:
            case str():
                keys.append(segment)
            case Items():
                break
    return tuple(keys)

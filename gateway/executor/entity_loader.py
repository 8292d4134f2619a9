"""Entity fetches: which objects of the tree go into one, how they are told apart, and where each answer belongs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import orjson

from gateway.executor.merge import Shape, Tree, copy_tree, merge
from gateway.executor.rewrites import apply_renames, objects_at
from gateway.planner.plan import EntityTarget, PathSegment, Representation, RepresentationField


@dataclass(slots=True)  # Not frozen: making one would take four times as long.
class EntityBatch:
    """The representations of one target, each once, as JSON; `places[i]` are the objects that representation `i` stands for.

    `paths` are where in the tree such objects are.
    """

    target: EntityTarget
    representations: list[bytes]
    places: list[list[Tree]]
    paths: list[tuple[PathSegment, ...]]


def empty_batch(target: EntityTarget) -> EntityBatch:
    """For a target whose condition does not hold: its variable is required, so it goes as an empty list."""
    return EntityBatch(target, [], [], list(target.paths))


def collect_entities(tree: Tree, target: EntityTarget) -> EntityBatch:
    """Read the representations of `target` off the tree, whatever they are. Objects without a whole key are left out."""
    by_type = {name: spec for spec in reversed(target.representations) for name in spec.on_types}
    only = target.representations[0] if len(target.representations) == 1 else None
    places: dict[bytes, list[Tree]] = {}
    seen: set[int] = set()
    for item in chain.from_iterable(objects_at(tree, path) for path in target.paths):
        typename = item.get("__typename")
        spec = by_type.get(typename) if typename is not None else only
        if spec is None or id(item) in seen:
            continue
        seen.add(id(item))
        representation = build_representation(item, spec)
        if representation is not None:
            places.setdefault(orjson.dumps(representation), []).append(item)
    return EntityBatch(target, list(places), list(places.values()), list(target.paths))


def build_representation(item: Tree, spec: Representation) -> dict[str, Any] | None:
    """The representation of one object, or None where it lacks a key field, or something within it, or has null for one."""
    typename = spec.typename or item.get("__typename")
    if typename is None:
        (typename,) = spec.on_types if len(spec.on_types) == 1 else (None,)
    representation: dict[str, Any] = {"__typename": typename}
    representation.update(_selected(item, spec.fields))
    if typename is None or any(representation.get(key) is None for key in spec.keys):
        return None
    # Of an object that is there for the client what the key needs may have been left out by a condition.
    if not all(_is_whole(item.get(each.source), each.selections) for each in spec.fields if each.name in spec.keys):
        return None
    return representation


def _is_whole(value: Any, selections: Sequence[RepresentationField] | None) -> bool:
    if selections is None or value is None:
        return True
    if type(value) is list:
        return all(_is_whole(item, selections) for item in value)
    return type(value) is dict and all(
        each.on_types is not None
        or each.name == "__typename"
        or (each.source in value and _is_whole(value[each.source], each.selections))
        for each in selections
    )


def _selected(item: Tree, fields: Sequence[RepresentationField]) -> dict[str, Any]:
    typename = item.get("__typename")
    return {
        field.name: _value(item[field.source], field.selections)
        for field in fields
        if field.source in item and (field.on_types is None or typename is None or typename in field.on_types)
    }


def _value(value: Any, selections: Sequence[RepresentationField] | None) -> Any:
    if selections is None or value is None:
        return value
    if type(value) is list:
        return [_value(item, selections) for item in value]
    return _selected(value, selections) if type(value) is dict else value


def merge_entities(
    batch: EntityBatch, results: Sequence[Any], shape: Shape, concrete: frozenset[str], *, leaves_only: bool
) -> None:
    """Merge `results[i]` into every place of representation `i`. Null results add nothing."""
    for result, places in zip(results, batch.places, strict=True):
        if result.__class__ is not dict:
            continue
        if leaves_only:
            _merge_leaves(result, places, shape, concrete)
        else:
            merge_entity(places, result, shape, concrete, leaves_only=False)


def merge_entity(
    places: Sequence[Tree], result: Tree, shape: Shape, concrete: frozenset[str], *, leaves_only: bool
) -> None:
    """Merge one result, which may be reused afterwards by nobody, into all places of its entity."""
    if leaves_only:
        _merge_leaves(result, places, shape, concrete)
        return
    for place in places[1:]:
        merge(place, copy_tree(result, shape), shape, concrete)
    merge(places[0], result, shape, concrete)


def rename_results(batch: EntityBatch, results: Sequence[Any]) -> None:
    """Give the planner's aliases back their names."""
    for result, places in zip(results, batch.places, strict=True):
        if type(result) is dict:
            apply_renames(result, batch.target.renames, places[0].get("__typename"))


def _merge_leaves(result: Tree, places: Sequence[Tree], shape: Shape, concrete: frozenset[str]) -> None:
    """Leaves can be shared, so nothing is copied; and where nothing stands yet, there is nothing to be careful with."""
    new = result.keys().isdisjoint
    for place in places:
        if new(place):
            place |= result  # noqa: PLW2901 - in place
        else:
            merge(place, result, shape, concrete)


def request_body(prefix: bytes, variables: Mapping[str, Any], batches: Sequence[EntityBatch]) -> bytes:
    """The JSON body of a request. `prefix` is `{"query":"…","variables":{`, made once for the plan."""
    members = [b'"%b":%b' % (name.encode(), orjson.dumps(value)) for name, value in variables.items()]
    members += [b'"%b":[%b]' % (b.target.variable.encode(), b",".join(b.representations)) for b in batches]
    return prefix + b",".join(members) + b"}}"

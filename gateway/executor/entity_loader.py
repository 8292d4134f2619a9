"""Entity fetches: which objects of the tree go into one, how they are told apart, and where each answer belongs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any

import orjson

from gateway.executor.merge import Shape, Tree, copy_tree, merge
from gateway.executor.rewrites import apply_renames, objects_at
from gateway.planner.plan import EntityTarget, Representation, RepresentationField


@dataclass(frozen=True, slots=True)
class EntityBatch:
    """The representations of one target, each once, as JSON; `places[i]` are the objects that representation `i` stands for."""

    target: EntityTarget
    representations: list[bytes]
    places: list[list[Tree]]


def empty_batch(target: EntityTarget) -> EntityBatch:
    """For a target whose condition does not hold: its variable is required, so it goes as an empty list."""
    return EntityBatch(target, [], [])


def collect_entities(tree: Tree, target: EntityTarget) -> EntityBatch:
    """Read the representations of `target` off the tree. Objects without a whole key are left out."""
    by_type = {name: spec for spec in reversed(target.representations) for name in spec.on_types}
    only = target.representations[0] if len(target.representations) == 1 else None
    reads = {spec.on_types: _plain_reader(spec) for spec in target.representations}
    representations: list[bytes] = []
    places: list[list[Tree]] = []
    index_of: dict[bytes, int] = {}
    seen: dict[tuple[str | None, bytes], int] = {}
    for item in chain.from_iterable(objects_at(tree, path) for path in target.paths):
        typename = item.get("__typename")
        spec = by_type.get(typename) if typename is not None else only
        if spec is None:
            continue
        # Most objects are there many times: one that was seen is known by what its representation would be made of.
        identity = _identity(item, typename, reads[spec.on_types])
        if identity is not None and (index := seen.get(identity)) is not None:
            places[index].append(item)
            continue
        representation = build_representation(item, spec)
        if representation is None:
            continue
        encoded = orjson.dumps(representation)
        index = index_of.get(encoded)
        if index is None:
            index = index_of[encoded] = len(places)
            representations.append(encoded)
            places.append([item])
        else:
            places[index].append(item)
        if identity is not None:
            seen[identity] = index
    return EntityBatch(target, representations, places)


def _plain_reader(spec: Representation) -> Callable[[Tree], Any] | None:
    """Reads all that goes into a representation at once, where it is leaves for every type alike."""
    if not spec.fields or any(field.selections is not None or field.on_types is not None for field in spec.fields):
        return None
    return itemgetter(*(field.source for field in spec.fields))


def _identity(item: Tree, typename: str | None, read: Callable[[Tree], Any] | None) -> tuple[str | None, bytes] | None:
    """What tells an object from others, as JSON, for which 1, 1.0 and true are three things. None: only the whole tells."""
    if read is None:
        return None
    try:
        return typename, orjson.dumps(read(item))
    except KeyError:
        return None


def build_representation(item: Tree, spec: Representation) -> dict[str, Any] | None:
    """The representation of one object, or None where it lacks a key field or has null for one."""
    typename = spec.typename or item.get("__typename")
    if typename is None:
        (typename,) = spec.on_types if len(spec.on_types) == 1 else (None,)
    representation: dict[str, Any] = {"__typename": typename}
    representation.update(_selected(item, spec.fields))
    if typename is None or any(representation.get(key) is None for key in spec.keys):
        return None
    return representation


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


def merge_entities(batch: EntityBatch, results: Sequence[Any], shape: Shape, concrete: frozenset[str]) -> None:
    """Merge `results[i]` into every place of representation `i`. Null results add nothing."""
    leaves_only = all(below is None for below in shape.values())
    for result, places in zip(results, batch.places, strict=True):
        if type(result) is not dict:
            continue
        if batch.target.renames:
            apply_renames(result, batch.target.renames, places[0].get("__typename"))
        if leaves_only:
            _merge_leaves(result, places, shape, concrete)
            continue
        for place in places[1:]:
            merge(place, copy_tree(result, shape), shape, concrete)
        merge(places[0], result, shape, concrete)


def _merge_leaves(result: Tree, places: Sequence[Tree], shape: Shape, concrete: frozenset[str]) -> None:
    """Leaves can be shared, so nothing is copied; and where nothing stands yet, there is nothing to be careful with."""
    keys = result.keys()
    for place in places:
        if keys.isdisjoint(place):
            place.update(result)
        else:
            merge(place, result, shape, concrete)


def request_body(prefix: bytes, variables: Mapping[str, Any], batches: Sequence[EntityBatch]) -> bytes:
    """The JSON body of a request. `prefix` is `{"query":"…","variables":{`, made once for the plan."""
    members = [orjson.dumps(name) + b":" + orjson.dumps(value) for name, value in variables.items()]
    members += [b'"%b":[%b]' % (b.target.variable.encode(), b",".join(b.representations)) for b in batches]
    return prefix + b",".join(members) + b"}}"

"""Entity calls with context arguments: entities go in groups, one for all that their surroundings give the same values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from gateway.executor.entity_loader import EntityBatch, build_representation, collect_entities, empty_batch
from gateway.executor.grouped_document import GroupedDocument
from gateway.executor.merge import Tree
from gateway.executor.rewrites import located_objects
from gateway.executor.subgraph_errors import MOST_PATHS, FieldError
from gateway.executor.variables import holds
from gateway.planner.plan import (
    ContextArgument,
    EntityTarget,
    Fetch,
    Items,
    OnTypes,
    PathSegment,
    Representation,
    RepresentationField,
)

MISSING = "CONTEXT_VALUE_MISSING"

MAX_GROUPS = 50
"""Groups in one request. More of them travel in several, so that no document grows with the data."""

_UNKNOWN = object()
"""What could not be fetched, which is not the same as null."""


@dataclass(frozen=True, slots=True)
class GroupedCall:
    """One request of a fetch. `positions` say of each batch which target of the fetch it belongs to."""

    document: str
    batches: list[EntityBatch]
    positions: list[int]
    values: Mapping[str, Any]


@dataclass(slots=True)
class _Group:
    """Entities of the target at `position` whose context arguments have the same values."""

    position: int
    batch: EntityBatch
    values: Sequence[Any] = ()
    index_of: dict[bytes, int] = field(default_factory=dict)

    def add(self, representation: bytes, item: Tree) -> None:
        """Add one entity; the same entity is sent once, wherever it stands."""
        index = self.index_of.setdefault(representation, len(self.batch.places))
        if index == len(self.batch.places):
            self.batch.representations.append(representation)
            self.batch.places.append([])
        self.batch.places[index].append(item)


class ContextCalls:
    """The requests of one fetch with context arguments. Made once for a plan."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._document = GroupedDocument(fetch)

    def read(self, tree: Tree, variables: Mapping[str, Any]) -> tuple[list[GroupedCall], list[FieldError]]:
        """The requests to make, and an error for every field that cannot be asked for since an argument may not be null.

        Where a value is not known because fetching it failed, the error of that fetch tells why nothing is there.
        """
        groups: list[_Group] = []
        errors: list[FieldError] = []
        for position, target in enumerate(self._fetch.targets):
            if not holds(target.condition, variables):
                continue
            if not target.contexts:
                groups.append(_Group(position, collect_entities(tree, target)))
                continue
            found, refused = _collect(tree, target, position)
            groups.extend(found)
            errors.extend(self._errors(tree, position, refused, variables))
        sent = [group for group in groups if group.batch.representations]
        if len(sent) == 1 and len(self._fetch.targets) == 1:
            return [self._only(sent[0])], errors
        return [self._call(sent[at : at + MAX_GROUPS]) for at in range(0, len(sent), MAX_GROUPS)], errors

    def _only(self, group: _Group) -> GroupedCall:
        """The request as the plan has it, which a subgraph has seen before."""
        values = dict(zip((each.variable for each in group.batch.target.contexts), group.values, strict=True))
        return GroupedCall(self._fetch.document, [group.batch], [group.position], values)

    def _call(self, groups: Sequence[_Group]) -> GroupedCall:
        batches: list[EntityBatch] = []
        values: dict[str, Any] = {}
        for number, group in enumerate(groups):
            batch = group.batch
            variable = self._document.variable(batch.target.variable, number)
            target = replace(batch.target, alias=self._document.alias(number), variable=variable)
            batches.append(EntityBatch(target, batch.representations, batch.places, batch.paths))
            for argument, value in zip(batch.target.contexts, group.values, strict=True):
                values[self._document.variable(argument.variable, number)] = value
        parts = [(group.position, number) for number, group in enumerate(groups)]
        return GroupedCall(self._document.write(parts), batches, [position for position, _ in parts], values)

    def _errors(
        self, tree: Tree, position: int, refused: Sequence[Tree], variables: Mapping[str, Any]
    ) -> Iterator[FieldError]:
        if not refused:
            return
        target = self._fetch.targets[position]
        marked = {id(item) for item in refused}
        names = {rename.alias: rename.name for rename in target.renames if not rename.path}
        sent_as = {spec.typename for spec in target.representations if spec.typename}
        places = ((at, item) for path in target.paths for at, item in located_objects(tree, path) if id(item) in marked)
        for _, (at, item) in zip(range(MOST_PATHS), places, strict=False):
            types = {str(item.get("__typename")), *sent_as}
            for key in self._document.response_keys(position, types, variables):
                path = (*at, names.get(key, key))
                yield FieldError("A value that this is computed from is missing.", MISSING, path)


def _collect(tree: Tree, target: EntityTarget, position: int) -> tuple[list[_Group], list[Tree]]:
    """The groups of a target, and the entities that lack a value which may not be null."""
    spec_of = {name: spec for spec in reversed(target.representations) for name in spec.on_types}
    only = target.representations[0] if len(target.representations) == 1 else None
    groups: dict[bytes, _Group] = {}
    refused: list[Tree] = []
    for item, above in _surrounded(tree, target):
        spec = spec_of.get(item["__typename"]) if item.get("__typename") is not None else only
        encoded = _representation(item, spec)
        values = [_value_of(argument, above) for argument in target.contexts]
        if encoded is None or _UNKNOWN in values:
            continue
        if any(value is None and argument.required for argument, value in zip(target.contexts, values, strict=True)):
            refused.append(item)
            continue
        key = orjson.dumps(values)
        if key not in groups:
            groups[key] = _Group(position, empty_batch(target), values)
        groups[key].add(encoded, item)
    return list(groups.values()), refused


def _representation(item: Tree, spec: Representation | None) -> bytes | None:
    representation = build_representation(item, spec) if spec is not None else None
    return None if representation is None else orjson.dumps(representation)


def _surrounded(tree: Tree, target: EntityTarget) -> Iterator[tuple[Tree, dict[int, Tree]]]:
    """The entities of a target, each with the objects above it by their depth."""
    depths = {source.depth for argument in target.contexts for source in argument.sources}
    for path in target.paths:
        level: list[tuple[Any, dict[int, Tree]]] = [(tree, {})]
        for depth, segment in enumerate(path):
            if depth in depths:
                level = [(item, {**above, depth: item}) for item, above in level]
            level = [(below, above) for item, above in level for below in _step(item, segment)]
        yield from ((item, above) for item, above in level if type(item) is dict)


def _step(item: Any, segment: PathSegment) -> Iterable[Any]:
    match segment:
        case str():
            below = item.get(segment) if type(item) is dict else None
            return () if below is None else (below,)
        case Items():
            return [each for each in item if each is not None] if type(item) is list else ()
        case OnTypes(names):
            return (item,) if type(item) is dict and item.get("__typename") in names else ()


def _value_of(argument: ContextArgument, above: Mapping[int, Tree]) -> Any:
    """The value that the nearest fitting object gives; null where nothing above sets the context."""
    for source in argument.sources:
        item = above[source.depth]
        if source.on_types is None or item.get("__typename") in source.on_types:
            return _read(item, source.fields) if source.fields else None
    return None


def _read(item: Tree, fields: Sequence[RepresentationField]) -> Any:
    """What the one field that fits an object leads to; lists on the way become lists of what they lead to."""
    typename = item.get("__typename")
    for each in fields:
        if each.source in item and (each.on_types is None or typename is None or typename in each.on_types):
            return _below(item[each.source], each.selections)
    return _UNKNOWN


def _below(value: Any, fields: Sequence[RepresentationField] | None) -> Any:
    if fields is None or value is None:
        return value
    if type(value) is list:
        found = [_below(each, fields) for each in value]
        return _UNKNOWN if _UNKNOWN in found else found
    return _read(value, fields) if type(value) is dict else _UNKNOWN

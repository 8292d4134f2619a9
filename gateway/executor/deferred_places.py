"""Where in an answer deferred fragments stand: the objects they are on and those that they add to.

The client's data and the response tree are walked side by side. What is null for the client has nothing below it, whatever
the tree may hold there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLSchema, get_named_type, is_abstract_type

from gateway.executor.completion import Refusals, possible_names
from gateway.executor.merge import Tree
from gateway.executor.projection import Projection
from gateway.executor.rewrites import ResponsePath
from gateway.executor.subgraph_errors import FieldError
from gateway.executor.variables import holds
from gateway.planner.deferral import Deferral, Marks, marks_of, without_marks
from gateway.planner.operation import FieldSelection, Operation


@dataclass(frozen=True, slots=True)
class Spot:
    """An object of the answer: what the tree holds of it, what the client has, and what it is asked for."""

    path: ResponsePath
    typename: str
    item: Tree
    data: dict[str, Any]
    selections: tuple[FieldSelection, ...]
    deferrals: tuple[Deferral, ...]


class DeferredPlaces:
    """Finds and projects what is deferred of one operation, in any number of its answers."""

    def __init__(self, schema: GraphQLSchema, operation: Operation, refusals: Refusals | None) -> None:
        self._schema = schema
        self._operation = operation
        self._refusals = refusals
        self._below: dict[int, Marks] = {}
        self._projections: dict[tuple[int, str, str], Projection] = {}
        self.deferrals = tuple(sorted(self._collect(operation.selections, operation.deferrals), key=lambda d: d.mark))

    def instances(
        self, tree: Tree, data: dict[str, Any], variables: Mapping[str, Any], deferral: Deferral
    ) -> Iterator[ResponsePath]:
        """The paths of the objects that a deferred fragment is on."""
        for spot in self._spots(tree, data, variables, deferral.mark):
            if deferral in spot.deferrals and _concerns(deferral, spot.typename, variables):
                yield spot.path

    def additions(
        self, tree: Tree, data: dict[str, Any], variables: Mapping[str, Any], deferral: Deferral
    ) -> Iterator[Spot]:
        """The objects to which a deferred fragment adds fields, by itself or below what the client has already."""
        for spot in self._spots(tree, data, variables, deferral.mark):
            if any(
                deferral.mark in each.condition.include and _applies(each, spot.typename, variables)
                for each in spot.selections
            ):
                yield spot

    def project(
        self, spot: Spot, deferral: Deferral, variables: Mapping[str, Any], known: Sequence[FieldError]
    ) -> tuple[dict[str, Any] | None, list[FieldError]]:
        """What a deferred fragment adds to an object, None where a null goes up past it; and the errors found."""
        key = (id(spot.selections), deferral.mark, spot.typename)
        if key not in self._projections:
            own = tuple(each for each in spot.selections if deferral.mark in each.condition.include)
            self._projections[key] = Projection(self._schema, Operation("query", spot.typename, own), self._refusals)
        return self._projections[key].project(spot.item, {**variables, deferral.mark: True}, known)

    def owner_at(self, path: ResponsePath) -> str:
        """The mark of what a field of the answer is delivered with; empty where that is not deferred."""
        level, owner = list(self._operation.selections), ""
        for key in path:
            if isinstance(key, int):
                continue
            matched = [each for each in level if each.response_key == key]
            if not matched:
                break
            owner = max(owner, min(max(marks_of(each.condition), default="") for each in matched))
            level = [below for each in matched for below in each.selections or ()]
        return owner

    def _collect(self, selections: Sequence[FieldSelection], deferrals: Sequence[Deferral]) -> Iterator[Deferral]:
        """All deferred fragments; on the way `_below` learns which have to do with what is below a selection."""
        yield from deferrals
        for each in selections:
            if each.selections is None or each.is_introspection:
                continue
            yield from self._collect(each.selections, each.deferrals)
            inner = (self._below.get(id(below), frozenset()) | marks_of(below.condition) for below in each.selections)
            self._below[id(each)] = frozenset(d.mark for d in each.deferrals).union(*inner)

    def _spots(self, tree: Tree, data: dict[str, Any], variables: Mapping[str, Any], mark: str) -> Iterator[Spot]:
        root = self._operation
        yield from self._visit(Spot((), root.root_type, tree, data, root.selections, root.deferrals), variables, mark)

    def _visit(self, spot: Spot, variables: Mapping[str, Any], mark: str) -> Iterator[Spot]:
        yield spot
        for each in spot.selections:
            key = each.response_key
            if mark in self._below.get(id(each), ()) and key in spot.data and _applies(each, spot.typename, variables):
                for path, item, data in _objects((*spot.path, key), spot.item.get(key), spot.data[key]):
                    typename = self._typename(each, item)
                    below = Spot(path, typename, item, data, each.selections or (), each.deferrals)
                    yield from self._visit(below, variables, mark)

    def _typename(self, selection: FieldSelection, item: Tree) -> str:
        type_ = get_named_type(selection.type)
        if not is_abstract_type(type_):
            return type_.name
        possible = possible_names(self._schema, type_)
        typename = item.get("__typename")
        # As projection has it: where the subgraph did not have to say the type, it makes no difference.
        return typename if typename in possible else min(possible, default=type_.name)


def _objects(path: ResponsePath, item: Any, data: Any) -> Iterator[tuple[ResponsePath, Tree, dict[str, Any]]]:
    if type(item) is dict and type(data) is dict:
        yield path, item, data
    elif type(item) is list and type(data) is list:
        for index, (inner, shown) in enumerate(zip(item, data, strict=True)):
            yield from _objects((*path, index), inner, shown)


def _applies(selection: FieldSelection, typename: str, variables: Mapping[str, Any]) -> bool:
    return typename in selection.types and holds(without_marks(selection.condition), variables)


def _concerns(deferral: Deferral, typename: str, variables: Mapping[str, Any]) -> bool:
    return any(typename in types and holds(condition, variables) for types, condition in deferral.where)

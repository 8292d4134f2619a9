"""What the schema says a field costs, worked out once for each type that a field stands on: of the arguments nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLType,
    get_named_type,
    is_composite_type,
    is_leaf_type,
)

from gateway.supergraph.costs import Costs, ListSize
from gateway.supergraph.sdl import possible_types


@dataclass(frozen=True, slots=True)
class FieldCost:
    """One field on one type. `owners` are the concrete types whose objects may answer it, `list_sizes` what they say of it.

    `type_name` is what is selected from, None of a leaf. `lists` is how many lists stand around it.
    """

    weight: int
    owners: tuple[tuple[str, GraphQLField], ...]
    list_sizes: tuple[tuple[str, ListSize, GraphQLField], ...]
    type_name: str | None
    lists: int

    @property
    def is_free(self) -> bool:
        """Whether it costs nothing whatever is asked of it, but for arguments."""
        return self.type_name is None and self.weight <= 0 and not self.list_sizes


class FieldCosts:
    """The costs of the fields of one API schema. `sizable` are the lists whose length another field may know."""

    def __init__(self, schema: GraphQLSchema, costs: Costs) -> None:
        self._schema = schema
        self._costs = costs
        self._known: dict[tuple[str, str], FieldCost] = {}
        self._possible: dict[str, frozenset[str]] = {}
        self.sizable: frozenset[str] = frozenset().union(*(size.sized_fields for size in costs.list_sizes.values()))

    def find(self, type_name: str, name: str) -> FieldCost | None:
        """None for a field that the type does not have. That is not kept: names that nobody validated are the client's."""
        key = (type_name, name)
        found = self._known.get(key)
        if found is None:
            found = self._find(type_name, name)
            if found is not None:
                self._known[key] = found
        return found

    def possible(self, type_name: str) -> frozenset[str]:
        """The concrete object types of a type; none of a name that is no type with fields."""
        found = self._possible.get(type_name)
        if found is None:
            if not is_composite_type(self._schema.type_map.get(type_name)):
                return frozenset()
            found = self._possible[type_name] = possible_types(self._schema, type_name)
        return found

    def narrowed(self, type_name: str, condition: str) -> str | None:
        """The type that a fragment on `condition` is applied on where objects of `type_name` are; None if it never applies."""
        if condition == type_name:
            return type_name
        if not self.possible(type_name) & self.possible(condition):
            return None
        return type_name if isinstance(self._schema.type_map[type_name], GraphQLObjectType) else condition

    def _find(self, type_name: str, name: str) -> FieldCost | None:
        field = _fields(self._schema, type_name).get(name)
        if field is None:
            return None
        owners = tuple(
            (owner, own)
            for owner in sorted(self.possible(type_name))
            if (own := _fields(self._schema, owner).get(name)) is not None
        )
        sizes = {
            key: (key, self._costs.list_sizes[key], own)
            for owner, own in owners
            for key in self._coordinates(owner, name, self._costs.list_sizes)
        }
        named = get_named_type(field.type)
        return FieldCost(
            weight=max(self._weight(owner, name, own) for owner, own in owners),
            owners=owners,
            list_sizes=tuple(sizes.values()),
            type_name=None if is_leaf_type(named) else named.name,
            lists=_list_depth(field.type),
        )

    def _weight(self, owner: str, name: str, field: GraphQLField) -> int:
        found = [self._costs.weights[key] for key in self._coordinates(owner, name, self._costs.weights)]
        return max(found) if found else self._type_weight(field.type)

    def _type_weight(self, type_: GraphQLType) -> int:
        named = get_named_type(type_)
        return self._costs.weights.get(named.name, 0 if is_leaf_type(named) else 1)

    def _coordinates(self, type_name: str, field_name: str, known: Mapping[str, object]) -> list[str]:
        """Where something is said about a field: at the type itself, else at its interfaces."""
        own = f"{type_name}.{field_name}"
        if own in known:
            return [own]
        parent = self._schema.type_map[type_name]
        interfaces = parent.interfaces if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) else ()
        return [key for key in (f"{item.name}.{field_name}" for item in interfaces) if key in known]


def _fields(schema: GraphQLSchema, type_name: str) -> Mapping[str, GraphQLField]:
    parent: Any = schema.type_map.get(type_name)
    return parent.fields if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) else {}


def _list_depth(type_: GraphQLOutputType) -> int:
    depth = 0
    while isinstance(type_, GraphQLList | GraphQLNonNull):
        depth += isinstance(type_, GraphQLList)
        type_ = type_.of_type
    return depth

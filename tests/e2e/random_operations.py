"""Random valid operations over a schema: every argument by a variable, its value odd but of its type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)

TEXTS = (
    "",
    "a",
    " ",
    "x" * 5000,
    "null",
    "EUR",
    "a@b.test",
    "2026-02-30",
    "'; DROP TABLE product; --",
    '%_\\"',
    "{{7*7}} ${7*7}",
    "../../etc/passwd",
    "\u0000",
    "\u202eabc\ufeff",
    "𐍈👩‍👩‍👧 ñ",
    "1e999",
    "eyJhbGciOiJub25lIn0.e30.",
)
NUMBERS = (0, 1, -1, 2, 20, 100, 101, 2**31 - 1, -(2**31))
VALUES: Mapping[str, Sequence[Any]] = {
    "Int": NUMBERS,
    "Cents": (*NUMBERS, 2**53 - 1),
    "Float": (0.0, -1.5, 1e300, 5e-324),
    "Boolean": (True, False),
    "DateTime": ("2026-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"),
}
_DEPTH = 4
_MOST_ITEMS = 3


@dataclass(frozen=True, slots=True)
class RandomOperation:
    text: str
    variables: Mapping[str, Any]


class Operations:
    """`ids` are those of things that exist: most ids are one of them."""

    def __init__(self, schema: GraphQLSchema, ids: Sequence[str], random: Random) -> None:
        self._schema = schema
        self._ids = ids
        self._random = random
        self._variables: dict[str, Any] = {}
        self._definitions: list[str] = []

    def operation(self, kind: str, name: str, field: GraphQLField) -> RandomOperation:
        """One operation that asks for one root field."""
        self._variables, self._definitions = {}, []
        selection = self._field(name, field, _DEPTH)
        definitions = f"({', '.join(self._definitions)})" if self._definitions else ""
        return RandomOperation(f"{kind}{definitions} {{ {selection} }}", self._variables)

    def _field(self, name: str, field: GraphQLField, depth: int) -> str:
        arguments = []
        for argument_name, argument in field.args.items():
            if is_required_argument(argument) or self._random.random() < 0.4:
                variable = f"v{len(self._definitions)}"
                self._definitions.append(f"${variable}: {argument.type}")
                self._variables[variable] = self._value(argument.type, 3)
                arguments.append(f"{argument_name}: ${variable}")
        given = f"({', '.join(arguments)})" if arguments else ""
        return f"{name}{given}{self._selections(field.type, depth)}"

    def _selections(self, type_: GraphQLOutputType, depth: int) -> str:
        named = get_named_type(type_)
        if is_leaf_type(named):
            return ""
        return f" {{ {' '.join(['__typename', *self._chosen(named, depth)])} }}"

    def _chosen(self, named: GraphQLNamedType, depth: int) -> Iterator[str]:
        if isinstance(named, GraphQLUnionType | GraphQLInterfaceType):
            for member in self._schema.get_possible_types(named):
                yield f"... on {member.name} {{ __typename }}"
        if not isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
            return
        for name, field in named.fields.items():
            leaf = is_leaf_type(get_named_type(field.type))
            if self._random.random() < (0.6 if leaf else 0.4) and (leaf or depth > 0):
                yield self._field(name, field, depth - 1)

    def _value(self, type_: GraphQLInputType, depth: int) -> Any:
        if isinstance(type_, GraphQLNonNull):
            return self._present(type_.of_type, depth)
        return None if self._random.random() < 0.2 or depth < 0 else self._present(type_, depth)

    def _present(self, type_: GraphQLInputType, depth: int) -> Any:
        match type_:
            case GraphQLList():
                count = self._random.randrange(_MOST_ITEMS + 1)
                return [self._value(type_.of_type, depth - 1) for _ in range(count)]
            case GraphQLInputObjectType():
                return {
                    name: self._value(field.type, depth - 1)
                    for name, field in type_.fields.items()
                    if is_required_input_field(field) or self._random.random() < 0.5
                }
            case GraphQLEnumType():
                return self._random.choice(list(type_.values))
        return self._scalar(get_named_type(type_).name)

    def _scalar(self, name: str) -> Any:
        if name == "ID" and self._random.random() < 0.75:
            unknown = str(UUID(int=self._random.getrandbits(128), version=4))
            return self._random.choice([*self._ids, unknown])
        return self._random.choice(VALUES.get(name, TEXTS))

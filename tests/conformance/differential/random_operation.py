"""Random operations over a schema: aliases that land on other names, arguments, fragments of all kinds, conditions."""

from __future__ import annotations

from random import Random

from graphql import (
    GraphQLCompositeType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    OverlappingFieldsCanBeMergedRule,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    parse,
    validate,
)

DEPTH = 4
ALIASES = ("id", "code", "f0", "f1", "label", "r0", "x", "y")
CONDITIONS = ("@include(if: $a)", "@skip(if: $a)", "@include(if: $b)", "@skip(if: $b)", "@skip(if: false)")


def random_operation(schema: GraphQLSchema, rnd: Random) -> tuple[str, dict[str, object]]:
    """A valid operation and its variables."""
    while True:
        text, variables = _Writer(schema, rnd).operation()
        # All other rules hold by the way it is written.
        if not validate(schema, parse(text, no_location=True), [OverlappingFieldsCanBeMergedRule]):
            return text, variables


class _Writer:
    def __init__(self, schema: GraphQLSchema, rnd: Random) -> None:
        self._schema = schema
        self._rnd = rnd
        self._fragments: list[tuple[str, GraphQLCompositeType, str]] = []

    def operation(self) -> tuple[str, dict[str, object]]:
        query = self._schema.query_type
        assert query is not None
        body = self._selections(query, DEPTH)
        fragments = "".join(f" fragment {name} on {on} {text}" for name, on, text in self._fragments)
        values: dict[str, tuple[str, object]] = {
            "a": ("Boolean!", self._chance(0.5)),
            "b": ("Boolean!", self._chance(0.5)),
            "n": ("Int", self._rnd.choice([None, 1, 2])),
        }
        used = {name: value for name, value in values.items() if f"${name}" in body + fragments}
        header = ", ".join(f"${name}: {type_}" for name, (type_, _) in used.items())
        text = f"query{f'({header})' if header else ''} {body}{fragments}"
        return text, {name: value for name, (_, value) in used.items()}

    def _chance(self, probability: float) -> bool:
        return self._rnd.random() < probability

    def _selections(self, on: GraphQLCompositeType, depth: int) -> str:
        parts = [self._selection(on, depth) for _ in range(self._rnd.randint(1, 4))]
        return "{ " + " ".join(part for part in parts if part) + " }" if any(parts) else "{ __typename }"

    def _selection(self, on: GraphQLCompositeType, depth: int) -> str:
        if self._chance(0.08):
            return self._rnd.choice(["__typename", "id: __typename"])
        if is_abstract_type(on) and (not isinstance(on, GraphQLInterfaceType) or self._chance(0.5)):
            return self._fragment(self._rnd.choice(sorted(self._schema.get_possible_types(on), key=str)), depth)
        if isinstance(on, GraphQLObjectType) and on.interfaces and self._chance(0.1):
            return self._fragment(self._rnd.choice(on.interfaces), depth)
        if self._chance(0.08):
            return self._fragment(on, depth)
        assert isinstance(on, GraphQLObjectType | GraphQLInterfaceType)
        name = self._rnd.choice(list(on.fields))
        return self._field(name, on.fields[name], depth)

    def _fragment(self, on: GraphQLCompositeType, depth: int) -> str:
        condition = self._condition(0.2)
        if not self._chance(0.3):
            return f"... on {on}{condition} {self._selections(on, depth)}"
        known = [name for name, type_, _ in self._fragments if type_ is on]
        if known and self._chance(0.5):
            return f"...{self._rnd.choice(known)}{condition}"
        text = self._selections(on, depth)
        name = f"F{len(self._fragments)}"
        self._fragments.append((name, on, text))
        return f"...{name}{condition}"

    def _field(self, name: str, field: GraphQLField, depth: int) -> str:
        named = get_named_type(field.type)
        below = ""
        if is_composite_type(named):
            if not depth:
                return ""
            below = f" {self._selections(named, depth - 1)}"
        alias = f"{self._rnd.choice(ALIASES)}: " if self._chance(0.12) else ""
        arguments = f"(a: {self._rnd.choice(['1', '2', '3', '$n'])})" if field.args and self._chance(0.7) else ""
        return f"{alias}{name}{arguments}{self._condition(0.15)}{below}"

    def _condition(self, probability: float) -> str:
        return f" {self._rnd.choice(CONDITIONS)}" if self._chance(probability) else ""

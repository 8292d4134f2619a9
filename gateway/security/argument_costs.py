"""What stands in the arguments of a field that nobody has validated yet: lengths of lists, and values that weigh something."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from graphql import (
    ArgumentNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLSchema,
    GraphQLType,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    get_named_type,
    value_from_ast_untyped,
)

from gateway.security.amounts import SATURATED, Amount, Reading, Varying, total
from gateway.supergraph.costs import Costs

NOT_GIVEN = -1


class ArgumentCosts:
    """What the arguments of fields cost by the weights of one graph."""

    def __init__(self, schema: GraphQLSchema, costs: Costs) -> None:
        self._weights = costs.weights
        self._weighted_inputs = _weighted_inputs(schema, costs)

    def of(self, type_name: str, name: str, field: GraphQLField, nodes: Iterable[ArgumentNode]) -> Amount:
        """What arguments of one field cost together. One that the field does not have costs nothing."""
        return total(
            self._argument(f"{type_name}.{name}({node.name.value}:)", field.args[node.name.value].type, node)
            for node in nodes
            if node.name.value in field.args
        )

    def _argument(self, coordinate: str, type_: GraphQLType, node: ArgumentNode) -> Amount:
        named = get_named_type(type_)
        weight = self._weights.get(coordinate, self._weights.get(named.name, 0))
        if named.name not in self._weighted_inputs:
            return weight
        if not _has_variables(node.value):
            return weight + self._input(type_, value_from_ast_untyped(node.value))

        def read(reading: Reading) -> int:
            return weight + self._input(type_, value_from_ast_untyped(node.value, dict(reading.variables)))

        return Varying(read, max(0, weight))

    def _input(self, type_: GraphQLType, value: Any) -> int:
        """What the fields of an input value weigh, all items of a list together."""
        if isinstance(value, list):
            return sum(self._input(type_, item) for item in value)
        named = get_named_type(type_)
        if not isinstance(value, dict) or not isinstance(named, GraphQLInputObjectType):
            return 0
        return sum(self._input_field(named, name, item) for name, item in value.items() if name in named.fields)

    def _input_field(self, parent: GraphQLInputObjectType, name: str, value: Any) -> int:
        type_ = parent.fields[name].type
        own = self._weights.get(f"{parent.name}.{name}", self._weights.get(get_named_type(type_).name, 0))
        return own + self._input(type_, value)


def length(path: Sequence[str], nodes: Mapping[str, ValueNode], field: GraphQLField) -> Amount:
    """The value of one slicing argument, which may be a path into an input object; NOT_GIVEN where there is none."""
    argument = field.args.get(path[0])
    default_node = argument.ast_node.default_value if argument is not None and argument.ast_node is not None else None
    default = value_from_ast_untyped(default_node) if default_node is not None else None
    node = nodes.get(path[0])
    if node is None:
        return _at(default, path[1:])
    if not _has_variables(node):
        return _at(value_from_ast_untyped(node), path[1:])

    def read(reading: Reading) -> int:
        if isinstance(node, VariableNode) and node.name.value not in reading.variables:
            return _at(default, path[1:])
        return _at(value_from_ast_untyped(node, dict(reading.variables)), path[1:])

    return Varying(read, NOT_GIVEN)


def _at(value: Any, path: Sequence[str]) -> int:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    # A length below zero asks for nothing: the subgraph refuses it. What is no whole number is refused by validation. And of one
    # that no answer could tell, since it is told as a number of 64 bits at most, it is enough to know that it is too large.
    return min(SATURATED, max(0, value)) if isinstance(value, int) and not isinstance(value, bool) else NOT_GIVEN


def _has_variables(node: ValueNode) -> bool:
    match node:
        case VariableNode():
            return True
        case ListValueNode():
            return any(_has_variables(item) for item in node.values)
        case ObjectValueNode():
            return any(_has_variables(item.value) for item in node.fields)
    return False


def _weighted_inputs(schema: GraphQLSchema, costs: Costs) -> frozenset[str]:
    """The input objects with a weight anywhere inside: of all others no value is ever looked into."""
    inputs = {name: type_ for name, type_ in schema.type_map.items() if isinstance(type_, GraphQLInputObjectType)}
    inner = {
        name: {get_named_type(field.type).name for field in type_.fields.values()} for name, type_ in inputs.items()
    }
    found = {
        name
        for name, type_ in inputs.items()
        if any(f"{name}.{field}" in costs.weights for field in type_.fields) or inner[name] & costs.weights.keys()
    }
    while more := {name for name in inputs if name not in found and inner[name] & found}:
        found |= more
    return frozenset(found)

"""Works out what an operation costs, as a number or as a sum that needs only the variables.

A field costs its `@cost`, else that of its type, else 1 for an object and nothing for a leaf; all of that and what is selected
below counts once an item of its list. It is worked out on the normal form, right after normalising: a weight needs types, and
only there is a field that three fragments repeat one field. What comes before is bounded by the limits on the document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from graphql import (
    ArgumentNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLType,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
    value_from_ast_untyped,
)

from gateway.planner.operation import FieldSelection, Operation
from gateway.security.amounts import Amount, Variables, gated, largest, product, total, value_of
from gateway.security.cost import CostConfig, OperationCost, Slices
from gateway.supergraph.costs import Costs, ListSize

_NOT_GIVEN = -1


class CostEstimator:
    """Estimates the operations of one graph; `schema` is its API schema."""

    def __init__(self, schema: GraphQLSchema, costs: Costs, config: CostConfig) -> None:
        self._schema = schema
        self._costs = costs
        self._config = config
        self._weighted_inputs = _weighted_inputs(schema, costs)

    def estimate(self, operation: Operation) -> OperationCost | None:
        """The cost, or None where nobody wants to know."""
        if self._config.mode == "off":
            return None
        slices: list[Slices] = []
        base = self._config.mutation if operation.kind == "mutation" else 0
        fields = self._selections(operation.selections, {}, slices)
        return OperationCost(self._config, total((base, fields)), tuple(slices))

    def _selections(
        self, selections: Sequence[FieldSelection], sized: Mapping[str, Amount], slices: list[Slices]
    ) -> Amount:
        """What the dearest concrete type makes of them. `sized` are the lists whose length the parent knows."""
        costs = [self._field(selection, sized, slices) for selection in selections]
        places: dict[str, list[int]] = {}
        for index, selection in enumerate(selections):
            for name in selection.types:
                places.setdefault(name, []).append(index)
        # Most types are asked for the same fields: each combination is added up once.
        combinations = {tuple(indices) for indices in places.values()}
        return largest(total(costs[index] for index in indices) for indices in combinations)

    def _field(self, selection: FieldSelection, sized: Mapping[str, Amount], slices: list[Slices]) -> Amount:
        if selection.is_introspection:
            return 0
        owners = [(name, self._definition(name, selection.name)) for name in sorted(selection.types)]
        sizes, below = self._sizes(selection, owners, slices)
        instances = sized.get(selection.name, sizes)
        inner = self._selections(selection.selections or (), below, slices)
        weight = max(self._weight(name, selection) for name, _ in owners)
        each = total((weight, inner))
        arguments = largest(self._arguments(name, field, selection) for name, field in owners)
        return gated(selection.condition, total((arguments, product(instances, each))))

    def _definition(self, type_name: str, field_name: str) -> GraphQLField:
        parent = self._schema.type_map[type_name]
        assert isinstance(parent, GraphQLObjectType | GraphQLInterfaceType)
        field: GraphQLField = parent.fields[field_name]
        return field

    def _weight(self, type_name: str, selection: FieldSelection) -> int:
        found = [self._costs.weights[key] for key in self._coordinates(type_name, selection.name, self._costs.weights)]
        return max(found) if found else self._type_weight(selection.type)

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

    def _sizes(
        self, selection: FieldSelection, owners: Iterable[tuple[str, GraphQLField]], slices: list[Slices]
    ) -> tuple[Amount, dict[str, Amount]]:
        """How many items a field gives, and how many the sized fields of its object."""
        declared = {
            key: field
            for name, field in owners
            for key in self._coordinates(name, selection.name, self._costs.list_sizes)
        }
        own: list[Amount] = []
        below: dict[str, Amount] = {}
        for key, field in declared.items():
            list_size = self._costs.list_sizes[key]
            size = self._sliced(key, list_size, field, selection, slices)
            below |= {inner: largest((size, below.get(inner, 0))) for inner in list_size.sized_fields}
            if not list_size.sized_fields:
                own.append(size)
        depth = _list_depth(selection.type)
        if not depth:
            return 1, below
        assumed = self._config.assumed_list_size
        return product(largest(own) if own else assumed, assumed ** (depth - 1)), below

    def _sliced(
        self, key: str, declared: ListSize, field: GraphQLField, selection: FieldSelection, slices: list[Slices]
    ) -> Amount:
        nodes = {node.name.value: node.value for node in selection.arguments}
        given = [_sliced_by(path, nodes, field) for path in declared.slicing_arguments]
        assumed = self._config.assumed_list_size if declared.assumed is None else declared.assumed
        if not given:
            return assumed
        # An assumed size is an answer to the question how long a list is that nobody gave a length.
        needs_one = declared.requires_one and declared.assumed is None
        slices.append(Slices(key, given, needs_one))

        def size(variables: Variables) -> int:
            known = [value for value in (value_of(amount, variables) for amount in given) if value != _NOT_GIVEN]
            return max(known, default=assumed)

        return size({}) if all(isinstance(amount, int) for amount in given) else size

    def _arguments(self, type_name: str, field: GraphQLField, selection: FieldSelection) -> Amount:
        return total(
            self._argument(f"{type_name}.{selection.name}({node.name.value}:)", field.args[node.name.value].type, node)
            for node in selection.arguments
        )

    def _argument(self, coordinate: str, type_: GraphQLType, node: ArgumentNode) -> Amount:
        named = get_named_type(type_)
        weight = self._costs.weights.get(coordinate, self._costs.weights.get(named.name, 0))
        if named.name not in self._weighted_inputs:
            return weight
        if _has_variables(node.value):
            return lambda variables: weight + self._input(type_, value_from_ast_untyped(node.value, dict(variables)))
        return weight + self._input(type_, value_from_ast_untyped(node.value))

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
        own = self._costs.weights.get(f"{parent.name}.{name}", self._costs.weights.get(get_named_type(type_).name, 0))
        return own + self._input(type_, value)


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


def _sliced_by(path: tuple[str, ...], nodes: Mapping[str, ValueNode], field: GraphQLField) -> Amount:
    """The value of one slicing argument; _NOT_GIVEN where there is none."""
    argument = field.args.get(path[0])
    default_node = argument.ast_node.default_value if argument is not None and argument.ast_node is not None else None
    default = value_from_ast_untyped(default_node) if default_node is not None else None
    node = nodes.get(path[0])
    if node is None:
        return _at(default, path[1:])
    if not _has_variables(node):
        return _at(value_from_ast_untyped(node), path[1:])

    def read(variables: Variables) -> int:
        if isinstance(node, VariableNode) and node.name.value not in variables:
            return _at(default, path[1:])
        return _at(value_from_ast_untyped(node, dict(variables)), path[1:])

    return read


def _at(value: Any, path: Sequence[str]) -> int:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    # A length below zero asks for nothing: the subgraph refuses it.
    return max(0, int(value)) if isinstance(value, int | float) and not isinstance(value, bool) else _NOT_GIVEN


def _has_variables(node: ValueNode) -> bool:
    match node:
        case VariableNode():
            return True
        case ListValueNode():
            return any(_has_variables(item) for item in node.values)
        case ObjectValueNode():
            return any(_has_variables(item.value) for item in node.fields)
    return False


def _list_depth(type_: GraphQLOutputType) -> int:
    depth = 0
    while isinstance(type_, GraphQLList | GraphQLNonNull):
        depth += isinstance(type_, GraphQLList)
        type_ = type_.of_type
    return depth

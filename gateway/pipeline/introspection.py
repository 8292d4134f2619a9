"""Introspection is answered here, from the API schema: no subgraph knows the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLSchema,
    InlineFragmentNode,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)
from graphql.execution import experimental_execute_incrementally

from gateway.planner.operation import FieldSelection, Operation


def introspection_document(operation: Operation) -> DocumentNode | None:
    """The part of an operation that asks for `__schema` and `__type`, or None."""
    asked = [s for s in operation.selections if s.is_introspection and s.name != "__typename"]
    if not asked:
        return None
    definition = OperationDefinitionNode(
        operation=OperationType.QUERY,
        name=None,
        directives=(),
        variable_definitions=operation.variables,
        selection_set=_selection_set(asked),
    )
    return DocumentNode(definitions=(definition,))


def introspect(schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the introspection fields by response key. Its only errors are bugs, and they are raised."""
    # Not `execute_sync`, which refuses every schema that knows @defer.
    result = experimental_execute_incrementally(schema, document, variable_values=dict(variables))
    assert isinstance(result, ExecutionResult)
    if result.errors:
        raise result.errors[0]
    return result.data or {}


def _selection_set(selections: Sequence[FieldSelection]) -> SelectionSetNode:
    return SelectionSetNode(selections=tuple(_selection(selection) for selection in selections))


def _selection(selection: FieldSelection) -> SelectionNode:
    """The field, within one inline fragment for each of its conditions: a directive may stand only once on a node."""
    node: SelectionNode = FieldNode(
        name=NameNode(value=selection.name),
        alias=NameNode(value=selection.response_key),
        arguments=selection.arguments,
        directives=(),
        selection_set=None if selection.selections is None else _selection_set(selection.selections),
    )
    conditions = selection.condition
    for kind, names in (("include", conditions.include), ("skip", conditions.skip)):
        for variable in sorted(names):
            node = InlineFragmentNode(
                type_condition=None,
                directives=(_directive(kind, variable),),
                selection_set=SelectionSetNode(selections=(node,)),
            )
    return node


def _directive(kind: str, variable: str) -> DirectiveNode:
    condition = ArgumentNode(name=NameNode(value="if"), value=VariableNode(name=NameNode(value=variable)))
    return DirectiveNode(name=NameNode(value=kind), arguments=(condition,))

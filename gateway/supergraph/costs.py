"""What `@cost` and `@listSize` say in a supergraph, by schema coordinate (specs.apollo.dev/cost, IBM's cost specification)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    value_from_ast_untyped,
)

from gateway.errors import SupergraphError

_Weighted = ObjectTypeDefinitionNode | ScalarTypeDefinitionNode | EnumTypeDefinitionNode


@dataclass(frozen=True, slots=True)
class ListSize:
    """One `@listSize`. A slicing argument may be a path into an input object (`page.size`).

    With `sized_fields` the size is that of these fields of the object that the field gives, as in a Relay connection.
    """

    assumed: int | None = None
    slicing_arguments: tuple[tuple[str, ...], ...] = ()
    sized_fields: frozenset[str] = frozenset()
    requires_one: bool = True


@dataclass(frozen=True, slots=True)
class Costs:
    """Weights and list sizes by coordinate: `Type`, `Type.field`, `Type.field(argument:)` and `Input.field`."""

    weights: Mapping[str, int] = field(default_factory=dict)
    list_sizes: Mapping[str, ListSize] = field(default_factory=dict)


def read_costs(document: DocumentNode) -> Costs:
    """Everything the supergraph says about cost. Raises SupergraphError that names the type and the field at fault."""
    weights: dict[str, int] = {}
    list_sizes: dict[str, ListSize] = {}
    for coordinate, directives in _places(document):
        for directive in directives:
            match directive.name.value:
                case "cost":
                    weights[coordinate] = _weight(_arguments(directive), coordinate)
                case "listSize":
                    list_sizes[coordinate] = _list_size(_arguments(directive), coordinate)
    return Costs(weights, list_sizes)


def _places(document: DocumentNode) -> Iterator[tuple[str, tuple[DirectiveNode, ...]]]:
    """Every coordinate of the file that may carry one of the directives."""
    for node in document.definitions:
        if isinstance(node, _Weighted):
            yield node.name.value, tuple(node.directives or ())
        if isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
            for item in node.fields or ():
                yield from _field_places(node.name.value, item)
        elif isinstance(node, InputObjectTypeDefinitionNode):
            for value in node.fields or ():
                yield f"{node.name.value}.{value.name.value}", tuple(value.directives or ())


def _field_places(parent: str, node: FieldDefinitionNode) -> Iterator[tuple[str, tuple[DirectiveNode, ...]]]:
    coordinate = f"{parent}.{node.name.value}"
    yield coordinate, tuple(node.directives or ())
    for argument in node.arguments or ():
        yield f"{coordinate}({argument.name.value}:)", tuple(argument.directives or ())


def _arguments(directive: DirectiveNode) -> dict[str, Any]:
    return {node.name.value: value_from_ast_untyped(node.value) for node in directive.arguments or ()}


def _weight(arguments: Mapping[str, Any], where: str) -> int:
    try:
        # IBM's specification writes weights as strings, Federation as integers.
        return round(float(arguments["weight"]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise SupergraphError(f"{where}: the weight of @cost must be a number.") from error


def _list_size(arguments: Mapping[str, Any], where: str) -> ListSize:
    assumed = arguments.get("assumedSize")
    slicing, sized = arguments.get("slicingArguments") or (), arguments.get("sizedFields") or ()
    if not (assumed is None or type(assumed) is int) or isinstance(slicing, str) or isinstance(sized, str):
        raise SupergraphError(f"{where}: @listSize takes a number and lists of names.")
    return ListSize(
        assumed=assumed,
        slicing_arguments=tuple(tuple(str(path).split(".")) for path in slicing),
        sized_fields=frozenset(str(name) for name in sized),
        requires_one=arguments.get("requireOneSlicingArgument") is not False,
    )

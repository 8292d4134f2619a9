"""Arguments that no client gives: a subgraph takes them from an object further up (`@context`, `@fromContext`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from graphql import (
    DocumentNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    StringValueNode,
    UnionTypeDefinitionNode,
)

from gateway.errors import SupergraphError
from gateway.supergraph.field_set import FieldSet, parse_field_set


@dataclass(frozen=True, slots=True)
class ContextArgument:
    """One argument of a field in one subgraph. `type` is its text there.

    Its value is what `selection` gives on the nearest object above that sets `context`: of its items the first that is for
    the object's type, and so on below.
    """

    name: str
    type: str
    context: str
    selection: FieldSet


def read_contexts(document: DocumentNode) -> dict[str, tuple[str, ...]]:
    """By the name of a context the types that set it."""
    found: dict[str, tuple[str, ...]] = {}
    for node in document.definitions:
        if not isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode | UnionTypeDefinitionNode):
            continue
        for directive in node.directives or ():
            for argument in directive.arguments or ():
                if directive.name.value == "context" and isinstance(argument.value, StringValueNode):
                    name = argument.value.value
                    found[name] = (*found.get(name, ()), node.name.value)
    return found


def read_context_arguments(value: object, where: str) -> tuple[ContextArgument, ...]:
    """The `contextArguments` of a `@join__field`. Raises SupergraphError, or KeyError where something is missing."""
    arguments = cast(list[Mapping[str, object]], value or [])
    return tuple(
        ContextArgument(
            str(argument["name"]),
            str(argument["type"]),
            str(argument["context"]),
            _selection(str(argument["selection"]), where),
        )
        for argument in arguments
    )


def _selection(text: str, where: str) -> FieldSet:
    bare = text.strip()
    if bare.startswith("{"):
        bare = bare.removeprefix("{").removesuffix("}").strip()
    if not bare:
        raise SupergraphError(f'{where}: "{text}" is no selection of a context: it names no field.')
    try:
        return parse_field_set(bare)
    except ValueError as error:
        raise SupergraphError(f'{where}: "{text}" is no selection of a context: {error}') from error

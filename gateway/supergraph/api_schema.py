"""The API schema: what clients see, validate against and introspect."""

from __future__ import annotations

from typing import Any

from graphql import (
    REMOVE,
    DirectiveDefinitionNode,
    DirectiveNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    GraphQLDeferDirective,
    GraphQLError,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    NamedTypeNode,
    Node,
    ObjectTypeDefinitionNode,
    SchemaDefinitionNode,
    TypeDefinitionNode,
    UnionTypeDefinitionNode,
    Visitor,
    build_ast_schema,
    visit,
)

from gateway.errors import SupergraphError
from gateway.supergraph.links import MACHINERY
from gateway.supergraph.sdl import Supergraph, is_inaccessible

_KEPT_DIRECTIVES = frozenset(("deprecated", "specifiedBy", "oneOf"))


def build_api_schema(supergraph: Supergraph) -> GraphQLSchema:
    """The supergraph without join and link definitions and without all that is @inaccessible.

    Raises SupergraphError where what is left is no schema.
    """
    hidden = frozenset(
        node.name.value
        for node in supergraph.document.definitions
        if isinstance(node, TypeDefinitionNode) and (is_inaccessible(node) or node.name.value.startswith(MACHINERY))
    )
    document: DocumentNode = visit(supergraph.document, _Strip(hidden))
    try:
        return build_ast_schema(document, assume_valid_sdl=True)
    except (GraphQLError, TypeError) as error:
        raise SupergraphError(f"Without what is inaccessible the schema cannot be built: {error}") from error


def with_defer(schema: GraphQLSchema) -> GraphQLSchema:
    """A valid API schema whose clients may put off parts of their answers."""
    parts = schema.to_kwargs()
    parts["directives"] = (*schema.directives, GraphQLDeferDirective)
    parts["assume_valid"] = True
    return GraphQLSchema(**parts)


class _Strip(Visitor):
    """Removes hidden types with everything that mentions them, hidden members, and directives clients do not need."""

    def __init__(self, hidden: frozenset[str]) -> None:
        super().__init__()
        self._hidden = hidden

    def enter(self, node: Node, *_: Any) -> Any:
        match node:
            case DirectiveDefinitionNode() | DirectiveNode() if node.name.value not in _KEPT_DIRECTIVES:
                return REMOVE
            case TypeDefinitionNode() if node.name.value in self._hidden:
                return REMOVE
            case NamedTypeNode() if node.name.value in self._hidden:
                return REMOVE
        return REMOVE if is_inaccessible(node) and not isinstance(node, SchemaDefinitionNode) else None

    def leave(self, node: Node, *_: Any) -> Any:
        match node:
            case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode() | InputObjectTypeDefinitionNode():
                return None if node.fields else REMOVE
            case UnionTypeDefinitionNode():
                return None if node.types else REMOVE
            case EnumTypeDefinitionNode():
                return None if node.values else REMOVE
        # A field, argument or root operation whose type was removed goes with it.
        return REMOVE if hasattr(node, "type") and not isinstance(node.type, Node) else None

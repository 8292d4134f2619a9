"""What subgraphs say about how long an answer holds and for whom: `@cacheControl` on types and fields of the supergraph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from graphql import (
    ConstDirectiveNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    value_from_ast_untyped,
)

from gateway.supergraph.sdl import Supergraph

DIRECTIVE = "cacheControl"


@dataclass(frozen=True, slots=True)
class Hint:
    """`max_age` in seconds; None where only the scope is told. `inherits`: as long as what it stands in."""

    max_age: int | None = None
    private: bool = False
    inherits: bool = False


def strictest(hints: Iterable[Hint]) -> Hint:
    """What holds where several hints do: the shortest, private if any is. Raises ValueError without any."""
    first, *others = hints
    for hint in others:
        ages = [age for age in (first.max_age, hint.max_age) if age is not None]
        first = Hint(min(ages, default=None), first.private or hint.private, first.inherits and hint.inherits)
    return first


class CacheHints:
    """The hints of one supergraph. Composition copies them from the subgraphs, where several give one the strictest holds."""

    def __init__(self, supergraph: Supergraph) -> None:
        self._types: dict[str, Hint] = {}
        self._fields: dict[tuple[str, str], Hint] = {}
        for node in supergraph.document.definitions:
            if not isinstance(node, TypeDefinitionNode):
                continue
            name = node.name.value
            if hint := _hint(node.directives):
                self._types[name] = hint
            if isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
                for field in node.fields or ():
                    if hint := _hint(field.directives):
                        self._fields[name, field.name.value] = hint

    def __bool__(self) -> bool:
        return bool(self._types or self._fields)

    def of_type(self, name: str) -> Hint | None:
        return self._types.get(name)

    def of_field(self, type_name: str, field_name: str) -> Hint | None:
        return self._fields.get((type_name, field_name))


def _hint(nodes: Sequence[ConstDirectiveNode] | None) -> Hint | None:
    found: list[Hint] = []
    for node in nodes or ():
        name, arguments = node.name.value, _arguments(node)
        if name == "join__directive":
            # Some composers keep a subgraph's directive in this envelope instead of composing it.
            name, arguments = str(arguments.get("name")), cast("Mapping[str, object]", arguments.get("args") or {})
        if name == DIRECTIVE:
            found.append(_read(arguments))
    return strictest(found) if found else None


def _read(arguments: Mapping[str, object]) -> Hint:
    age = arguments.get("maxAge")
    return Hint(
        max_age=int(age) if isinstance(age, int) else None,
        # A scope that is not known is none that everybody is in.
        private=arguments.get("scope") not in (None, "PUBLIC"),
        inherits=arguments.get("inheritMaxAge") is True,
    )


def _arguments(directive: ConstDirectiveNode) -> Mapping[str, object]:
    return {node.name.value: value_from_ast_untyped(node.value) for node in directive.arguments or ()}

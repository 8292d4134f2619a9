"""What the directives of a supergraph are, whatever they are called there: `@link` and `@core` may rename them.

`@link(url: "https://specs.apollo.dev/NAME/vX", as: "prefix", import: [{name: "@directive", as: "@alias"}])` is the link
specification's way to say it. All that follows reads a supergraph by the plain names that the specifications use themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import (
    REMOVE,
    DirectiveNode,
    DocumentNode,
    NamedTypeNode,
    NameNode,
    Node,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    TypeDefinitionNode,
    Visitor,
    value_from_ast_untyped,
    visit,
)

_URL = re.compile(r"https://specs\.apollo\.dev/(?P<name>\w+)/v\d+\.\d+/?")

_DIRECTIVES: Mapping[str, tuple[str, ...]] = {
    "inaccessible": ("inaccessible",),
    "authenticated": ("authenticated",),
    "requiresScopes": ("requiresScopes",),
    "policy": ("policy",),
    "context": ("context",),
    "cost": ("cost", "listSize"),
    "tag": ("tag",),
}
"""By specification the directives that are read by plain names. Those of `join` and `link` bear a prefix."""

_PROTECTING = frozenset(("inaccessible", "authenticated", "requiresScopes", "policy"))
"""They hold under their plain names as well, whatever a `@link` calls them: nothing gets open by a rename."""

MACHINERY = tuple(f"{name}__" for name in ("join", "link", "core", *_DIRECTIVES))
"""What the names of the specifications' own types begin with. All else that a subgraph composes is meant for clients."""


_MENTIONED = re.compile(r"@(\w+)")


@dataclass(slots=True)
class _Names:
    """By the name in the document the plain one. What is `shadowed` has a plain name and is something else."""

    directives: dict[str, str] = field(default_factory=dict)
    prefixes: dict[str, str] = field(default_factory=dict)
    shadowed: set[str] = field(default_factory=set)

    def read(self, link: Mapping[str, Any], specification: str) -> None:
        prefix = str(link.get("as") or specification)
        own = _DIRECTIVES.get(specification, ())
        linked = {f"{prefix}__{name}": name for name in own}
        if specification in own or specification in ("link", "core"):
            # A directive that bears its specification's name goes by the prefix alone.
            linked[prefix] = specification
        linked |= {alias: name for alias, name in _imported(link.get("import") or ()) if name in own}
        self.directives |= linked
        self.shadowed |= set(own) - _PROTECTING - linked.keys()
        if prefix != specification:
            self.prefixes[prefix] = specification

    def change(self, mentioned: Set[str]) -> bool:
        """Whether any of these names of directives means another than it says."""
        renamed = {name for name, plain in self.directives.items() if name != plain} | self.shadowed
        return bool(renamed & mentioned or self.prefixes)

    def of(self, name: str) -> str | None:
        """The plain name of a directive; None for one that only sounds like another."""
        if name in self.directives:
            return self.directives[name]
        return None if name in self.shadowed else self.prefixed(name)

    def prefixed(self, name: str) -> str:
        prefix, separator, rest = name.partition("__")
        return f"{self.prefixes.get(prefix, prefix)}__{rest}" if separator else name


def with_plain_names(document: DocumentNode, text: str) -> DocumentNode:
    """The same supergraph, which `text` is, with each directive and type of a core specification under its plain name."""
    names = _Names()
    for link, specification in _links(document):
        names.read(link, specification)
    if not names.change(set(_MENTIONED.findall(text))):
        return document
    plain: DocumentNode = visit(document, _Renaming(names))
    return plain


class _Renaming(Visitor):
    def __init__(self, names: _Names) -> None:
        super().__init__()
        self._names = names

    def enter(self, node: Node, *_: Any) -> Any:
        match node:
            case DirectiveNode():
                name = self._names.of(node.name.value)
                return REMOVE if name is None else _renamed(node, name)
            case TypeDefinitionNode() | NamedTypeNode():
                return _renamed(node, self._names.prefixed(node.name.value))
        return None


def _renamed(node: DirectiveNode | TypeDefinitionNode | NamedTypeNode, name: str) -> Node | None:
    return None if node.name.value == name else replace(node, name=NameNode(value=name))


def _imported(items: Iterable[object]) -> Iterator[tuple[str, str]]:
    """The name in the document and the plain one of each import."""
    for item in items:
        name, alias = (item.get("name"), item.get("as")) if isinstance(item, Mapping) else (item, None)
        yield str(alias or name).removeprefix("@"), str(name).removeprefix("@")


def _links(document: DocumentNode) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Every `@link` or `@core` to a specification of which something is read, with the specification's name."""
    for node in document.definitions:
        if not isinstance(node, SchemaDefinitionNode | SchemaExtensionNode):
            continue
        for directive in node.directives or ():
            arguments = {item.name.value: value_from_ast_untyped(item.value) for item in directive.arguments or ()}
            match = _URL.fullmatch(str(arguments.get("url") or arguments.get("feature") or ""))
            if match is not None:
                yield arguments, match["name"]

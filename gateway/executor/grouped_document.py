"""The document of an entity fetch, written anew for any number of groups of its entities."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from graphql import (
    BooleanValueNode,
    FieldNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Token,
    TokenKind,
    VariableDefinitionNode,
    VariableNode,
    parse,
)

from gateway.planner.plan import Fetch


@dataclass(frozen=True, slots=True)
class _EntityField:
    """One `_entities` field: its text from the name on, cut after every variable that each group has for itself."""

    pieces: tuple[str, ...]
    variables: frozenset[str]
    selections: SelectionSetNode


class GroupedDocument:
    """Where a field is written for the group `number`, its own variables and its response key end in that number."""

    def __init__(self, fetch: Fetch) -> None:
        self._text = fetch.document
        (definition,) = parse(fetch.document).definitions
        assert isinstance(definition, OperationDefinitionNode)
        nodes = [node for node in definition.selection_set.selections if isinstance(node, FieldNode)]
        self._defined = {node.variable.name.value: self._rest(node) for node in definition.variable_definitions or ()}
        self._own = [
            frozenset((target.variable, *(argument.variable for argument in target.contexts)))
            for target in fetch.targets
        ]
        self._fields = [self._cut(node, own) for node, own in zip(nodes, self._own, strict=True)]
        self._mark = _free_mark(frozenset().union(*self._own), self._defined)

    def write(self, parts: Sequence[tuple[int, int]]) -> str:
        """The document that asks for each part: a target by its position, for the group of a number."""
        definitions: dict[str, None] = {}
        bodies: list[str] = []
        for position, number in parts:
            item = self._fields[position]
            bodies.append(f"{self.alias(number)}:{f'{self._mark}{number}'.join(item.pieces)}")
            for name in self._defined:
                if name in item.variables:
                    own = self.variable(name, number) if name in self._own[position] else name
                    definitions[f"${own}{self._defined[name]}"] = None
        return f"query({','.join(definitions)}){{{' '.join(bodies)}}}"

    def alias(self, number: int) -> str:
        """The response key of a group."""
        return f"_g{number}"

    def variable(self, name: str, number: int) -> str:
        """The name of a group's own variable."""
        return f"{name}{self._mark}{number}"

    def response_keys(self, position: int, types: Collection[str], variables: Mapping[str, Any]) -> Iterator[str]:
        """The response keys that a target asks of objects which these names stand for."""
        for node in _applicable(self._fields[position].selections.selections, types, variables):
            if node.name.value != "__typename":
                yield (node.alias or node.name).value

    def _cut(self, node: FieldNode, own: frozenset[str]) -> _EntityField:
        assert node.name.loc is not None
        assert node.loc is not None
        assert node.selection_set is not None
        pieces: list[str] = []
        variables: set[str] = set()
        start = node.name.loc.start
        token: Token | None = node.name.loc.start_token
        while token is not None and token.end <= node.loc.end:
            if token.kind is TokenKind.NAME and token.prev is not None and token.prev.kind is TokenKind.DOLLAR:
                variables.add(token.value or "")
                if token.value in own:
                    pieces.append(self._text[start : token.end])
                    start = token.end
            token = token.next
        return _EntityField((*pieces, self._text[start : node.loc.end]), frozenset(variables), node.selection_set)

    def _rest(self, node: VariableDefinitionNode) -> str:
        """The definition of a variable after its name."""
        assert node.loc is not None
        assert node.variable.loc is not None
        return self._text[node.variable.loc.end : node.loc.end]


def _free_mark(own: frozenset[str], defined: Collection[str]) -> str:
    """What stands between a group's own variable and its number, so that no client's variable is called the same."""
    foreign = [name for name in defined if name not in own]
    marks = ("_" * number for number in count(1))
    return next(mark for mark in marks if not any(name.startswith(f"{mine}{mark}") for mine in own for name in foreign))


def _applicable(
    selections: Sequence[SelectionNode], types: Collection[str], variables: Mapping[str, Any]
) -> Iterator[FieldNode]:
    for node in selections:
        if not _is_included(node, variables):
            continue
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode) and (
            node.type_condition is None or node.type_condition.name.value in types
        ):
            yield from _applicable(node.selection_set.selections, types, variables)


def _is_included(node: SelectionNode, variables: Mapping[str, Any]) -> bool:
    for directive in node.directives or ():
        (argument,) = directive.arguments or ()
        value = argument.value
        given = variables.get(value.name.value) is True if isinstance(value, VariableNode) else None
        if isinstance(value, BooleanValueNode):
            given = value.value
        if given is (directive.name.value == "skip"):
            return False
    return True

"""What @authenticated, @requiresScopes and @policy of a supergraph ask for, worked out for every concrete type and field.

A requirement is a set of clauses that must all hold. A clause is a set of alternatives, an alternative a set of grants:
`@requiresScopes(scopes: [["a", "b"], ["c"]])` is one clause with two alternatives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import cast

from graphql import (
    ConstDirectiveNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    value_from_ast_untyped,
)

from gateway.supergraph.field_set import FieldSet
from gateway.supergraph.sdl import FieldJoin, Supergraph, named_type

Grants = frozenset[str]
Clause = frozenset[Grants]
Requirement = frozenset[Clause]

NOTHING: Requirement = frozenset()
AUTHENTICATED = "authenticated"

_SPECIFICATIONS = {"authenticated": None, "requiresScopes": "scopes", "policy": "policies"}
"""The specifications that protect, and the argument of each one's directive."""

_MOST_COMBINATIONS = 4096


def satisfied(requirement: Requirement, grants: Grants) -> bool:
    """Whether `grants` meet every clause."""
    return all(any(alternative <= grants for alternative in clause) for clause in requirement)


def atoms(requirement: Requirement) -> Grants:
    """The grants a requirement speaks of."""
    return frozenset(grant for clause in requirement for alternative in clause for grant in alternative)


class AccessRules:
    """The requirements of one supergraph. `grants` are all that any of them speaks of: without any, everything is open."""

    def __init__(self, supergraph: Supergraph) -> None:
        self._supergraph = supergraph
        self._types: dict[str, Requirement] = {}
        self._fields: dict[tuple[str, str], Requirement] = {}
        self._known: dict[tuple[str, str], Requirement] = {}
        self._open: set[tuple[str, str]] = set()
        for node in supergraph.document.definitions:
            if isinstance(node, TypeDefinitionNode):
                self._read(node)
        self.grants: Grants = frozenset().union(*map(atoms, (*self._types.values(), *self._fields.values())))

    def _read(self, node: TypeDefinitionNode) -> None:
        requirement = _requirement(node.directives or ())
        if requirement:
            self._types[node.name.value] = requirement
        if isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
            for field in node.fields or ():
                requirement = _requirement(field.directives or ())
                if requirement:
                    self._fields[(node.name.value, field.name.value)] = requirement

    def of_type(self, name: str) -> Requirement:
        """What an object, a value of a scalar or of an enum asks for. Of an interface nothing: its objects are asked."""
        named = self._supergraph.schema.type_map.get(name)
        if isinstance(named, GraphQLInterfaceType) and self._supergraph.possible_types(name) != {name}:
            return NOTHING
        requirement = self._types.get(name, NOTHING)
        for interface in self._interfaces(name):
            own = self._types.get(interface, NOTHING)
            members = self._supergraph.possible_types(interface)
            requirement |= _not_implied(own, (self._types.get(member, NOTHING) for member in members))
        return requirement

    def of_field(self, type_name: str, field_name: str) -> Requirement:
        """What a field of a concrete type asks for: its own, its type's, its value's, and those of the fields it requires
        or takes an argument from."""
        key = (type_name, field_name)
        if key in self._known:
            return self._known[key]
        info = self._supergraph.types[type_name].fields.get(field_name)
        if info is None or key in self._open:
            return NOTHING
        self._open.add(key)
        requirement = self.of_type(type_name) | self._own(type_name, field_name) | self.of_type(named_type(info.type))
        for parent in (type_name, *self._interfaces(type_name)):
            # An @interfaceObject computes the field for all its objects: what it requires stands at the interface.
            for join in self._joined(parent, field_name):
                requirement |= self._of_field_set(type_name, join.requires) | self._of_contexts(join)
        self._open.discard(key)
        if not self._open:
            self._known[key] = requirement
        return requirement

    def _own(self, type_name: str, field_name: str) -> Requirement:
        requirement = self._fields.get((type_name, field_name), NOTHING)
        for interface in self._interfaces(type_name):
            own = self._fields.get((interface, field_name), NOTHING)
            members = self._supergraph.possible_types(interface)
            requirement |= _not_implied(own, (self._fields.get((member, field_name), NOTHING) for member in members))
        return requirement

    def _joined(self, type_name: str, field_name: str) -> Iterable[FieldJoin]:
        info = self._supergraph.types[type_name].fields.get(field_name)
        joins = info.joins if info else None
        return (joins or {}).values()

    def _of_contexts(self, join: FieldJoin) -> Requirement:
        requirement = NOTHING
        for argument in join.contexts:
            for carrier in sorted(self._supergraph.carriers(argument.context)):
                requirement |= self._of_field_set(carrier, argument.selection)
        return requirement

    def _of_field_set(self, type_name: str, fields: FieldSet) -> Requirement:
        """Whoever may not read what a field is computed from may not read the field."""
        requirement = NOTHING
        for item in fields:
            for concrete in sorted(self._supergraph.possible_types(item.on or type_name)):
                info = self._supergraph.types[concrete].fields.get(item.name)
                if info is None:
                    continue
                requirement |= self.of_field(concrete, item.name)
                if item.selections:
                    requirement |= self._of_field_set(named_type(info.type), item.selections)
        return requirement

    def _interfaces(self, type_name: str) -> Iterator[str]:
        named = self._supergraph.schema.type_map.get(type_name)
        if isinstance(named, GraphQLObjectType):
            yield from (interface.name for interface in named.interfaces)


def _not_implied(own: Requirement, members: Iterable[Requirement]) -> Requirement:
    """An interface's own requirement, unless it merely sums up those of its object types.

    Composition copies the requirements of object types up to their interfaces, for gateways that cannot tell the objects
    apart. Here each object is judged by its own type, so a copy would only refuse what is open.
    """
    if not own:
        return NOTHING
    clauses = [sorted(clause, key=sorted) for member in members for clause in member]
    if prod(map(len, clauses)) > _MOST_COMBINATIONS:
        return own
    combinations = (frozenset().union(*choice) for choice in product(*clauses))
    return NOTHING if clauses and all(satisfied(own, grants) for grants in combinations) else own


def _requirement(directives: Sequence[ConstDirectiveNode]) -> Requirement:
    clauses: set[Clause] = set()
    for directive in directives:
        name, arguments = directive.name.value, _arguments(directive)
        if name == "join__directive":
            # Some composers keep a subgraph's directive in this envelope instead of composing it.
            name, arguments = str(arguments.get("name")), cast(Mapping[str, object], arguments.get("args") or {})
        if name in _SPECIFICATIONS:
            clauses.add(_clause(name, arguments))
    return frozenset(clauses)


def _clause(specification: str, arguments: Mapping[str, object]) -> Clause:
    argument = _SPECIFICATIONS[specification]
    if argument is None:
        return frozenset((frozenset((AUTHENTICATED,)),))
    kind = scope if specification == "requiresScopes" else policy
    alternatives = cast(Sequence[Sequence[str] | str], arguments.get(argument) or ())
    # A single value stands for a list of it, as everywhere in GraphQL input.
    lists = ([entry] if isinstance(entry, str) else entry for entry in alternatives)
    return frozenset(frozenset(map(kind, entry)) for entry in lists)


def scope(name: str) -> str:
    """The grant of a scope."""
    return f"scope:{name}"


def policy(name: str) -> str:
    """The grant of a policy."""
    return f"policy:{name}"


def _arguments(directive: ConstDirectiveNode) -> Mapping[str, object]:
    return {node.name.value: value_from_ast_untyped(node.value) for node in directive.arguments or ()}

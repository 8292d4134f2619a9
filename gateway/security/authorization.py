"""authorise: takes out of an operation what the asker may not see, before anything is planned.

Every way to a field, by alias, fragment, interface or union, ends at a concrete type and a field in the normal form, so the
rules are asked there and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from graphql import GraphQLSchema, TypeNameMetaFieldDef, get_named_type
from pydantic import BaseModel, ConfigDict

from gateway.planner.operation import FieldSelection, Operation
from gateway.security.access_rules import (
    AUTHENTICATED,
    AccessRules,
    Grants,
    Requirement,
    atoms,
    policy,
    satisfied,
    scope,
)
from gateway.security.authentication import AccessToken
from gateway.supergraph.sdl import possible_types

_Selections = tuple[FieldSelection, ...]


class AuthorizationConfig(BaseModel):
    """Which claims of an access token say what its bearer may: lists of names, or one text with spaces in between."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scope_claims: tuple[str, ...] = ("scope", "scopes", "scp")
    policy_claims: tuple[str, ...] = ("policies",)


def grants_of(token: AccessToken | None, config: AuthorizationConfig) -> Grants:
    """What a request is granted: nothing without a token."""
    if token is None:
        return frozenset()
    scopes = (scope(name) for claim in config.scope_claims for name in _names(token.claims, claim))
    policies = (policy(name) for claim in config.policy_claims for name in _names(token.claims, claim))
    return frozenset((AUTHENTICATED, *scopes, *policies))


def _names(claims: Mapping[str, Any], claim: str) -> Iterable[str]:
    value = claims.get(claim)
    if isinstance(value, str):
        return value.split()
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


@dataclass(frozen=True, slots=True)
class Authorized:
    """An operation split for one set of grants.

    `planned` has nothing that is refused. `projected` still has the refused selections: `refused_fields` holds the `id` of
    each, and `refused_types`, by the `id` of a selection, the concrete types whose objects are refused in its place.
    """

    planned: Operation
    projected: Operation
    refused_fields: frozenset[int]
    refused_types: Mapping[int, frozenset[str]]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is refused."""
        return not self.refused_fields and not self.refused_types


class Authorization:
    """The rules of one supergraph applied to operations that were normalised with `schema`, its API schema."""

    def __init__(self, rules: AccessRules, schema: GraphQLSchema) -> None:
        self._rules = rules
        self._schema = schema
        self.grants = rules.grants

    def relevant(self, operation: Operation) -> Grants:
        """The grants on which it depends what of an operation is refused."""
        if not self.grants:
            return frozenset()
        found: set[str] = set()
        self._collect(operation.selections, found)
        return frozenset((*found, AUTHENTICATED)) if found else frozenset()

    def authorize(self, operation: Operation, grants: Grants) -> Authorized:
        """Split an operation."""
        if not self.grants:
            return Authorized(operation, operation, frozenset(), {})
        split = _Split(self._rules, self._schema, grants)
        planned, projected = split.selections(operation.selections)
        if not split.fields and not split.types:
            return Authorized(operation, operation, frozenset(), {})
        return Authorized(
            replace(operation, selections=planned),
            replace(operation, selections=projected),
            frozenset(split.fields),
            split.types,
        )

    def _collect(self, selections: Sequence[FieldSelection], found: set[str]) -> None:
        for selection in selections:
            if selection.is_introspection:
                continue
            for name in selection.types:
                found |= atoms(self._rules.of_field(name, selection.name))
            if selection.selections is not None:
                for name in possible_types(self._schema, get_named_type(selection.type).name):
                    found |= atoms(self._rules.of_type(name))
                self._collect(selection.selections, found)


class _Split:
    """One walk over one operation."""

    def __init__(self, rules: AccessRules, schema: GraphQLSchema, grants: Grants) -> None:
        self._rules = rules
        self._schema = schema
        self._grants = grants
        self.fields: set[int] = set()
        self.types: dict[int, frozenset[str]] = {}

    def selections(self, selections: Iterable[FieldSelection]) -> tuple[_Selections, _Selections]:
        """What is planned and what is projected of a selection set."""
        planned: list[FieldSelection] = []
        projected: list[FieldSelection] = []
        for selection in selections:
            if selection.is_introspection:
                planned.append(selection)
                projected.append(selection)
                continue
            refused = self._refused(selection)
            if refused:
                projected.append(self._mark(selection, refused))
            if selection.types - refused:
                self._allowed(replace(selection, types=selection.types - refused), planned, projected)
        return tuple(planned), tuple(projected)

    def _refused(self, selection: FieldSelection) -> frozenset[str]:
        """The concrete types on which a field is refused."""
        if selection.selections is not None and self._is_hidden_whole(selection):
            return selection.types
        return frozenset(
            name for name in selection.types if not self._grant(self._rules.of_field(name, selection.name))
        )

    def _mark(self, selection: FieldSelection, types: frozenset[str]) -> FieldSelection:
        marked = replace(selection, types=types, selections=None if selection.selections is None else ())
        self.fields.add(id(marked))
        return marked

    def _allowed(
        self, selection: FieldSelection, planned: list[FieldSelection], projected: list[FieldSelection]
    ) -> None:
        if selection.selections is None:
            planned.append(selection)
            projected.append(selection)
            return
        hidden = self._hidden(selection)
        visible = [replace(item, types=item.types - hidden) for item in selection.selections if item.types - hidden]
        below_planned, below_projected = self.selections(visible)
        if hidden:
            # The objects are told apart by the type they say they have, whatever the client asks of them.
            below_planned = (self._typename(selection), *(s for s in below_planned if s.name != "__typename"))
        planned.append(replace(selection, selections=below_planned))
        shown = replace(selection, selections=below_projected)
        projected.append(shown)
        if hidden:
            self.types[id(shown)] = hidden

    def _is_hidden_whole(self, selection: FieldSelection) -> bool:
        """Whether no object that may stand here may be seen, or a client's alias hides which type an object has."""
        hidden = self._hidden(selection)
        if not hidden:
            return False
        aliased = any(s.response_key == "__typename" != s.name for s in selection.selections or ())
        return aliased or hidden == self._possible(selection)

    def _hidden(self, selection: FieldSelection) -> frozenset[str]:
        return frozenset(name for name in self._possible(selection) if not self._grant(self._rules.of_type(name)))

    def _possible(self, selection: FieldSelection) -> frozenset[str]:
        return possible_types(self._schema, get_named_type(selection.type).name)

    def _typename(self, selection: FieldSelection) -> FieldSelection:
        return FieldSelection("__typename", "__typename", TypeNameMetaFieldDef.type, self._possible(selection))

    def _grant(self, requirement: Requirement) -> bool:
        return satisfied(requirement, self._grants)

"""The normal form of a client's operation: what projection is compiled from and what the planner plans.

Fragments are inlined, constant `@skip`/`@include` are resolved and equal selections are merged, so that one rule reads the
whole tree: **for one concrete object type and one set of variable values, at most one selection of a list applies to each
response key**, and those that apply stand in the order in which GraphQL puts them into the response. A reader therefore
never merges selections; it filters by `types` and `condition` and goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from graphql import ArgumentNode, GraphQLOutputType, VariableDefinitionNode

from gateway.planner.deferral import Deferral
from gateway.planner.plan import Condition, OperationKind

ALWAYS = Condition()


@dataclass(frozen=True, slots=True)
class FieldSelection:
    """One field the client asked for, on objects whose concrete type is in `types`, if `condition` holds.

    `type` is the field's type on those objects, by the schema the operation was normalised with: the same for all of `types`
    (a covariant field of an interface yields one selection for each distinct type). `types` is never empty; an interface that
    nothing implements stands in it for itself. `arguments` are as the client wrote them, variables included. `selections` is
    None for a leaf; it may be empty where every selection below is excluded for good, and then the value is `{}`.
    """

    response_key: str
    name: str
    type: GraphQLOutputType
    types: frozenset[str]
    arguments: tuple[ArgumentNode, ...] = ()
    condition: Condition = ALWAYS
    selections: tuple[FieldSelection, ...] | None = None
    deferrals: tuple[Deferral, ...] = field(default=(), compare=False)
    """The deferred fragments on the objects of this field."""

    @property
    def is_introspection(self) -> bool:
        """True for `__typename`, `__schema` and `__type`."""
        return self.name.startswith("__")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a document. `root_type` is the name of the query, mutation or subscription type.

    `selections` keeps root `__typename`, `__schema` and `__type` in the client's place; they are not planned.
    """

    kind: OperationKind
    root_type: str
    selections: tuple[FieldSelection, ...]
    variables: tuple[VariableDefinitionNode, ...] = ()
    name: str | None = field(default=None, compare=False)
    deferrals: tuple[Deferral, ...] = field(default=(), compare=False)
    """The deferred fragments on the root."""

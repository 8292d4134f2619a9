"""The steps a path through the federation graph consists of, and what a step into another subgraph has to bring along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.planner.deferral import Marks, marks_of
from gateway.planner.operation import ALWAYS
from gateway.planner.plan import Condition
from gateway.supergraph.context_arguments import ContextArgument
from gateway.supergraph.federation_graph import FieldEdge, Move, Node
from gateway.supergraph.field_set import FieldSet

FIELD_COST = 1
CAST_COST = 1
MOVE_COST = 1000


@dataclass(frozen=True, slots=True, eq=False)
class RootHop:
    """Enter the graph: ask a subgraph for fields of a root type. `turn` keeps root fields apart that may not be merged, `marks`
    those that are deferred."""

    node: Node
    turn: int = 0
    marks: Marks = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class CastHop:
    """Go on with those objects of an abstract type that are of one concrete type."""

    node: Node


@dataclass(frozen=True, slots=True, eq=False)
class FieldHop:
    """Ask for a field. Without a `response_key` the planner wants it for itself and any free key will do.

    `condition` is absolute: all that must hold from the root of the operation down to here.
    """

    edge: FieldEdge
    arguments: str = ""
    response_key: str | None = None
    condition: Condition = ALWAYS


@dataclass(frozen=True, slots=True, eq=False)
class MoveHop:
    """Go on with the same object in another subgraph, with `key` and the `requires` of the field that follows.

    `contexts` are the arguments of that field which come from further up, `marks` the deferred fragments that it stands in:
    what is not deferred never waits for what is.
    """

    move: Move
    requires: FieldSet
    requirement: Requirement
    contexts: tuple[ContextArgument, ...] = ()
    marks: Marks = frozenset()

    @property
    def node(self) -> Node:
        return self.move.tail


Hop = RootHop | CastHop | FieldHop | MoveHop


@dataclass(frozen=True, slots=True, eq=False)
class RequiredLeaf:
    """One leaf of a key or of a @requires, with the equally cheap ways to it from the object that is to be moved."""

    alternatives: tuple[tuple[Hop, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Requirement:
    """Everything a move needs to know of the object."""

    leaves: tuple[RequiredLeaf, ...] = ()
    cost: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """A way from an object to one of its fields: casts and moves, then the field's edge."""

    hops: tuple[Hop, ...]
    edge: FieldEdge
    cost: int


def deferred_hops(hops: Sequence[Hop], condition: Condition) -> Sequence[Hop]:
    """The hops to a field that is wanted under a condition: its marks are on the moves."""
    marks = marks_of(condition)
    if not marks:
        return hops
    return [replace(hop, marks=marks) if isinstance(hop, MoveHop) else hop for hop in hops]

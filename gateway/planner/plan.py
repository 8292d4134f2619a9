"""The query plan: what the planner promises and the executor runs. Plain immutable data, no behaviour.

The executor keeps one response tree of dicts and lists for an operation. A root fetch merges its `data` into the
root of that tree; an entity fetch reads representations at paths of the tree and merges each `_entities[i]` into
every place its representation came from. In the finished tree the value of a client's field lies under the client's
response key; whatever the planner added for itself lies under keys the client did not use.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

OperationKind = Literal["query", "mutation", "subscription"]


@dataclass(frozen=True, slots=True)
class Items:
    """A path segment: step into every item of a list (nested lists need one segment each)."""


@dataclass(frozen=True, slots=True)
class OnTypes:
    """A path segment: go on only for objects whose `__typename` is one of these concrete object types."""

    names: frozenset[str]


PathSegment = str | Items | OnTypes
"""A `str` is a response key of the tree."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`@skip`/`@include` that gates a whole fetch: it runs only if all holds. Names are client variables."""

    include: frozenset[str] = frozenset()
    skip: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RepresentationField:
    """One field of a representation.

    `name` is what the subgraph is sent; `source` the key of the response tree it is read from (they differ where the
    planner had to alias). `selections` is None for a leaf. A list in the tree maps item by item.
    `on_types`, where set, limits the field to objects of these concrete types (abstract types in a requirement).
    """

    name: str
    source: str
    selections: tuple[RepresentationField, ...] | None = None
    on_types: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Representation:
    """How to build the representation of one object whose concrete type is in `on_types`.

    `typename` is sent as `__typename` where it is set (an @interfaceObject subgraph knows only the interface's name),
    otherwise the object's own. An object that lacks a key field, or has null for one of `keys`, is not sent.
    """

    on_types: frozenset[str]
    fields: tuple[RepresentationField, ...]
    keys: frozenset[str] = frozenset()
    typename: str | None = None


@dataclass(frozen=True, slots=True)
class Rename:
    """After the answer arrived: below `path` (relative to the fetch's object), move `alias` to response key `name`,
    for objects whose concrete type is in `on_types` (None: all)."""

    path: tuple[PathSegment, ...]
    alias: str
    name: str
    on_types: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class ContextSource:
    """Where a context argument may be read: on the object that the first `depth` segments of a target's path lead to,
    if its concrete type is in `on_types` (None: whatever it is).

    Of `fields` the first that fits the object's type leads to the value, and so on below. Without fields the value is null.
    """

    depth: int
    fields: tuple[RepresentationField, ...]
    on_types: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class ContextArgument:
    """A variable of an entity call whose value comes from above each entity: from the first of `sources` that fits.

    Entities with different values cannot share a call. Where the value of a `required` one is null the entity is not sent.
    """

    variable: str
    sources: tuple[ContextSource, ...]
    required: bool = False


@dataclass(frozen=True, slots=True)
class EntityTarget:
    """One `_entities` field of a request. A request carries several where sibling fetches of a subgraph travel as one.

    Objects at any of `paths` that have the same representation share one answer. `alias` is the response key of this
    `_entities` field (`_entities` itself or `_e0`, `_e1` …) and `variable` the name, without `$`, of its `[_Any!]!` variable.
    """

    paths: tuple[tuple[PathSegment, ...], ...]
    representations: tuple[Representation, ...]
    alias: str = "_entities"
    variable: str = "representations"
    renames: tuple[Rename, ...] = ()
    condition: Condition | None = None
    contexts: tuple[ContextArgument, ...] = ()


@dataclass(frozen=True, slots=True)
class Fetch:
    """One request to one subgraph.

    `document` is minified GraphQL text without an operation name: `{a}` or `query($x:Int){a(x:$x)}`. `name_offset` is where
    ` Name` may be spliced in. `variables` are the client's variables that it uses. `after` are the ids of the fetches whose
    data must have been merged before this one starts: the plan is a DAG, not waves. A root fetch has no `targets`.
    For a root fetch that re-enters Query below the root (a field that returns Query) `path` says where its data goes.
    """

    id: int
    subgraph: str
    kind: OperationKind
    document: str
    name_offset: int
    variables: tuple[str, ...] = ()
    after: frozenset[int] = frozenset()
    targets: tuple[EntityTarget, ...] = ()
    path: tuple[PathSegment, ...] = ()
    renames: tuple[Rename, ...] = ()
    condition: Condition | None = None
    serves: frozenset[frozenset[str]] = frozenset()
    """In a plan with deferred fetches: the marks of all that this one fetches. Without any, it fetches what is not deferred."""


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """All fetches of an operation in an order in which every fetch comes after those it depends on.

    Mutation root fields are chained through `after`. A subscription's first fetch is the source stream; the rest run per event.
    """

    kind: OperationKind
    fetches: tuple[Fetch, ...] = ()
    steps: int = field(default=0, compare=False)
    """How many steps the planner took: what the planning budget counts."""

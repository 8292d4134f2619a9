"""A federation as a model from which everything else is printed: supergraph, subgraphs and the one schema without any."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["object", "interface", "union"]


@dataclass(frozen=True, slots=True)
class Override:
    """A field taken over from the subgraph `source`; with a `label` only while that label is active."""

    source: str
    label: str | None


@dataclass(frozen=True, slots=True)
class Context:
    """A context, set by all objects of `carriers`. The field's argument that reads it by `selection` has its name."""

    name: str
    carriers: tuple[str, ...]
    selection: str


@dataclass(slots=True)
class Field:
    """A field. `type` is GraphQL text, `owners` the subgraphs that answer it, `external` those that only name it.

    `requires` and `provides` are the texts of the directives, the latter by subgraph. `targets` are the concrete types of
    the objects it returns. A `hidden` field is @inaccessible. Each of `contexts` is an argument that no client gives.
    """

    name: str
    type: str
    owners: list[str]
    external: list[str] = field(default_factory=list)
    has_argument: bool = False
    requires: str = ""
    provides: dict[str, str] = field(default_factory=dict)
    override: Override | None = None
    hidden: bool = False
    targets: tuple[str, ...] = ()
    contexts: tuple[Context, ...] = ()

    def answers(self, subgraph: str, labels: frozenset[str]) -> bool:
        """Whether a subgraph answers the field for everyone who asks, under the active labels."""
        taken_over = self.override is not None and (self.override.label is None or self.override.label in labels)
        if self.override is not None and subgraph == self.override.source:
            return not taken_over
        return subgraph in self.owners and (self.override is None or taken_over)

    def declared_in(self) -> Iterator[str]:
        """The subgraphs whose SDL has the field."""
        yield from self.owners
        yield from self.external
        if self.override is not None:
            yield self.override.source


@dataclass(slots=True)
class Type:
    """A type. `keys` are by subgraph the texts of its keys, with whether they are resolvable there.

    `interfaces` says of an object in which subgraphs it implements what; `members` of a union by subgraph what it holds;
    `interface_object` in which subgraph an interface is known by its name alone.
    """

    name: str
    kind: Kind = "object"
    graphs: list[str] = field(default_factory=list)
    fields: dict[str, Field] = field(default_factory=dict)
    keys: dict[str, dict[str, bool]] = field(default_factory=dict)
    interfaces: dict[str, list[str]] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)
    interface_object: str | None = None


@dataclass(slots=True)
class Federation:
    """A whole federation. The entity types are numbered: the object `n` is of type `entities[n % len(entities)]`."""

    graphs: list[str]
    entities: list[str]
    types: dict[str, Type]
    labels: list[str] = field(default_factory=list)
    contexts: list[Context] = field(default_factory=list)

    def possible_types(self, name: str) -> list[str]:
        """The concrete types of a type."""
        found = self.types[name]
        if found.kind == "union":
            return sorted({member for members in found.members.values() for member in members})
        if found.kind == "interface":
            return [each.name for each in self.types.values() if name in each.interfaces]
        return [name]


def named(text: str) -> str:
    """The name inside list and non-null wrappers."""
    return text.strip("[]!")

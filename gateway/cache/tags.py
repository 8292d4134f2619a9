"""Which tags an answer has: one for each entity in it, so that what happens to any of them evicts the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.supergraph.sdl import Supergraph
from shared.cache.entries import UNNAMED, tag


class EntityKeys:
    """By which field the entities of a type are told apart in tags: a key of one leaf, `id` before others."""

    def __init__(self, supergraph: Supergraph) -> None:
        self._possible = supergraph.possible_types
        self._fields: dict[str, str | None] = {}
        for name, info in supergraph.types.items():
            keys = [key.fields for _, join in sorted(info.joins.items()) for key in join.keys]
            single = [fields[0].name for fields in keys if len(fields) == 1 and not fields[0].selections]
            if keys:
                self._fields[name] = "id" if "id" in single else next(iter(single), None)

    def __contains__(self, type_name: str) -> bool:
        return type_name in self._fields

    def field(self, type_name: str) -> str | None:
        """None for what is no entity, and for one whose keys are all compound."""
        return self._fields.get(type_name)

    def of(self, type_name: str) -> frozenset[str]:
        """The entity types that an object of a type may be."""
        return frozenset(name for name in self._possible(type_name) if name in self._fields)

    def tags(self, type_name: str, value: Mapping[str, Any]) -> Iterator[str]:
        """The tags of a representation. One that goes by its interface's name may be any of its object types."""
        for name in sorted(self.of(type_name)):
            key = self._fields[name]
            yield tag(name, _text(value.get(key)) if key else UNNAMED)


@dataclass(slots=True)
class TagNode:
    """An object in an answer. `types` are the entity types it may be, `keys` the response key of each one's key field."""

    types: frozenset[str]
    certain: bool
    """Whether it is of that one type, whatever the answer says."""
    keys: dict[str, str] = field(default_factory=dict)
    typename: str | None = None
    """The response key of `__typename`."""
    below: dict[str, TagNode] = field(default_factory=dict)

    def tags(self, value: Any, *, itself: bool = True) -> Iterator[str]:
        """The tags of a value and of all below it, some more than once."""
        if type(value) is list:
            for item in value:
                yield from self.tags(item, itself=itself)
        elif type(value) is dict:
            if itself and self.types:
                yield from self._own(value)
            for key, node in self.below.items():
                yield from node.tags(value.get(key))

    def _own(self, value: Mapping[str, Any]) -> Iterator[str]:
        name = next(iter(self.types)) if self.certain else value.get(self.typename) if self.typename else None
        if name is None:
            yield from (tag(possible, UNNAMED) for possible in self.types)
        elif name in self.types:
            yield tag(name, _text(value.get(self.keys[name])) if name in self.keys else UNNAMED)


def _text(key: object) -> str:
    return UNNAMED if key is None else str(key)

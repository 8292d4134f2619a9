"""Places: the objects of the response tree by response keys, and which keys are taken there.

All fetches write into one tree. What the planner fetches for itself goes under a key that no client field of another
meaning uses on the same type, and shares the client's key where both want the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, count

from graphql import get_named_type

from gateway.planner.operation import FieldSelection, Operation
from gateway.supergraph.federation_graph import FederationGraph
from gateway.supergraph.field_set import arguments_text

_Meaning = tuple[str, str]
"""A field's name and the text of its arguments."""


class Place:
    """One place of the tree. Places below it are found by response key."""

    __slots__ = ("_children", "_keys", "_taken")

    def __init__(self) -> None:
        self._children: dict[str, Place] = {}
        self._taken: dict[str, list[tuple[frozenset[str], _Meaning]]] = {}
        self._keys: dict[_Meaning, list[str]] = {}

    def child(self, response_key: str) -> Place:
        """The place below a response key."""
        return self._children.setdefault(response_key, Place())

    def take(self, types: frozenset[str], response_key: str, meaning: _Meaning) -> None:
        """Note that on objects of these types the key carries this field."""
        keys = self._keys.setdefault(meaning, [])
        if response_key not in keys:
            keys.append(response_key)
        taken = self._taken.setdefault(response_key, [])
        if (types, meaning) not in taken:
            taken.append((types, meaning))

    def key_for(self, types: frozenset[str], name: str, arguments: str) -> str:
        """A key for a field which the planner wants on objects of these types, the same one whenever it is asked for."""
        if name == "__typename":
            return name
        meaning = (name, arguments)
        aliases = (f"_{number}_{name}" for number in count())
        candidates = chain((name,), self._keys.get(meaning, ()), aliases)
        key = next(key for key in candidates if self._is_free(types, key, meaning))
        self.take(types, key, meaning)
        return key

    def _is_free(self, types: frozenset[str], key: str, meaning: _Meaning) -> bool:
        return all(other == meaning or types.isdisjoint(where) for where, other in self._taken.get(key, ()))


def client_places(operation: Operation, graph: FederationGraph) -> Place:
    """The places of an operation with all keys taken that the client selects."""
    root = Place()
    _take_all(root, operation.selections, operation.root_type, graph)
    return root


def _take_all(place: Place, selections: Iterable[FieldSelection], type_name: str, graph: FederationGraph) -> None:
    visible = graph.visible_types(type_name)
    for selection in selections:
        if selection.is_introspection and selection.selections is not None:
            continue
        # What is asked of all visible types is asked of the hidden ones with them.
        types = graph.possible_types(type_name) if selection.types >= visible else selection.types
        place.take(types, selection.response_key, (selection.name, arguments_text(selection.arguments)))
        if selection.selections is not None:
            below = place.child(selection.response_key)
            _take_all(below, selection.selections, get_named_type(selection.type).name, graph)

"""The data of a federation: every value follows from an object's number and the field, whoever is asked.

The monolith reads all of it. A subgraph refuses whatever it has no right to know: fields it does not own and does not
provide on this path, and computed fields where the representation does not bring what they require.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from graphql import (
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
    execute_sync,
    parse,
    validate,
    value_from_ast_untyped,
)

from gateway.supergraph.field_set import FieldSet, FieldSetItem, parse_field_set
from tests.conformance.differential.model import Context, Federation, Field, named
from tests.conformance.differential.printing import entity_types, is_leaf, monolith_sdl, subgraph_sdl

PRELUDE = """
directive @key(fields: String!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE
directive @requires(fields: String!) on FIELD_DEFINITION
directive @provides(fields: String!) on FIELD_DEFINITION
directive @external on FIELD_DEFINITION
directive @shareable on FIELD_DEFINITION
directive @inaccessible on FIELD_DEFINITION
directive @interfaceObject on OBJECT
directive @override(from: String!, label: String) on FIELD_DEFINITION
scalar _Any
"""


@dataclass(frozen=True, slots=True)
class Thing:
    """An object. A subgraph also knows what it was sent for it, and what it provides on the way it was reached; without
    any federation it is known what stands `above`."""

    type_name: str
    number: int
    representation: Mapping[str, Any] | None = None
    provided: FieldSet = ()
    above: Thing | None = None


ROOT = Thing("Query", 0)

# What keys are made of says which object it is.
_FROM_NUMBER = {"id": "{}", "code": "c{}", "name": "t{}"}


class World:
    """What is true in a federation; without `nulls` whatever may be null is there all the same."""

    def __init__(self, federation: Federation, *, nulls: bool = True) -> None:
        self.federation = federation
        self.nulls = nulls

    def identify(self, type_name: str, representation: Mapping[str, Any], keys: Sequence[str]) -> Thing:
        """The entity that a representation stands for, by the first of `keys` that it holds in full."""
        for key in keys:
            items = parse_field_set(key)
            if all(_holds(representation, item) for item in items):
                number = self._number(type_name, items[0], representation)
                if json.dumps(_picked(self, representation, items)) != json.dumps(
                    self.select(Thing(self._entity(number), number), items)
                ):
                    raise AssertionError(f"the fields of a key belong to different objects: {representation}")
                return Thing(self._entity(number), number, representation)
        raise AssertionError(f"{type_name} cannot be entered with {representation}")

    def _entity(self, number: int) -> str:
        return self.federation.entities[number % len(self.federation.entities)]

    def _number(self, type_name: str, item: FieldSetItem, representation: Mapping[str, Any]) -> int:
        value = representation[item.name]
        if item.name == "owner":
            return int(value["id"]) + self.federation.entities.index(type_name)
        if item.name == "tag":
            return int(value["name"][1:])
        return int(value.removeprefix("c"))

    def select(self, thing: Thing, items: FieldSet) -> dict[str, Any]:
        """What is true of the fields of a field set."""
        chosen: dict[str, Any] = {}
        for item in items:
            if item.on is not None and thing.type_name not in self.federation.possible_types(item.on):
                continue
            if item.name == "__typename":
                chosen[item.name] = thing.type_name
                continue
            found = self.value(self.field(thing, item.name), thing, _arguments(item))
            chosen[item.name] = self._select_below(found, item.selections)
        return chosen

    def _select_below(self, found: Any, below: FieldSet) -> Any:
        return _mapped(found, lambda each: self.select(each, below)) if below else found

    def field(self, thing: Thing, name: str) -> Field:
        """The definition of a field, be it one that the object has only through an interface."""
        own = self.federation.types[thing.type_name]
        for each in (own, *(self.federation.types[interface] for interface in own.interfaces)):
            if name in each.fields:
                return each.fields[name]
        raise KeyError(name)

    def value(self, item: Field, thing: Thing, arguments: Mapping[str, Any]) -> Any:
        """The value of a field: a leaf, a Thing, or lists of them."""
        number = thing.number
        if item.name in _FROM_NUMBER:
            return _FROM_NUMBER[item.name].format(number)
        if item.name == "tag":
            return Thing("Tag", number)
        if item.name == "owner":
            return Thing("T0", number - number % len(self.federation.entities))
        if item.requires:
            return f"{item.name}:{json.dumps(self.select(thing, parse_field_set(item.requires)))}"
        if item.contexts:
            given = {each.name: self._read(each, thing) for each in item.contexts}
            return _contextual(item, thing, {**given, **arguments})
        return _Maker(self, item, thing, arguments).make(item.type)

    def _read(self, context: Context, thing: Thing) -> Any:
        """What the nearest object above gives for a context."""
        types = {name for carrier in context.carriers for name in self.federation.possible_types(carrier)}
        above = thing.above
        while above is not None and above.type_name not in types:
            above = above.above
        assert above is not None, f"nothing above sets {context.name}"
        found: Any = self.select(above, parse_field_set(context.selection))
        while isinstance(found, dict):
            (found,) = found.values()
        return found


def _contextual(item: Field, thing: Thing, arguments: Mapping[str, Any]) -> str:
    """The value of a field with contexts; all its arguments are in it. KeyError: one was not given."""
    given = [arguments[each.name] for each in item.contexts]
    return f"{item.name}{thing.number}:{json.dumps([*given, arguments.get('a')])}"


class _Maker:
    """Makes the value of one field of one object; the position within lists is part of what decides it."""

    def __init__(self, world: World, item: Field, thing: Thing, arguments: Mapping[str, Any]) -> None:
        self._world = world
        self._item = item
        self._seed = (
            thing.number,
            thing.type_name if thing.type_name == "Query" else "",
            item.name,
            arguments.get("a"),
        )
        self._position = 0

    def make(self, text: str) -> Any:
        self._position += 1
        nullable = not text.endswith("!")
        text = text.removesuffix("!")
        if nullable and self._world.nulls and self._hash("null") % 7 == 0:
            return None
        if text.startswith("["):
            return [self.make(text[1:-1]) for _ in range(1 + self._hash("length") % 3)]
        if is_leaf(self._item):
            return f"{self._item.name}{self._seed[0]}({self._seed[3]}){self._position}"
        return self._object()

    def _object(self) -> Thing:
        if self._item.name == "val":
            return Thing(self._item.targets[0], self._seed[0])
        entities = self._world.federation.entities
        name = self._item.targets[self._hash("type") % len(self._item.targets)]
        index = entities.index(name) if name in entities else 0
        return Thing(name, index + len(entities) * (self._hash("number") % 3))

    def _hash(self, what: str) -> int:
        text = f"{self._seed} {self._position} {what}"
        return int(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8], 16)


class Monolith:
    """One schema over all the data, executed by graphql-core."""

    def __init__(self, federation: Federation, *, nulls: bool = True) -> None:
        self.schema = build_schema(monolith_sdl(federation))
        self._world = World(federation, nulls=nulls)

    def data(self, document: str, variables: Mapping[str, Any]) -> Any:
        """The `data` of the answer; errors fail."""
        result = execute_sync(
            self.schema,
            parse(document),
            ROOT,
            variable_values=dict(variables),
            field_resolver=self._resolve,
            type_resolver=lambda thing, *_: thing.type_name,
        )
        assert not result.errors, result.errors
        return result.data

    def _resolve(self, thing: Thing, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        item = self._world.field(thing, info.field_name)
        found = self._world.value(item, thing, arguments)
        return found if is_leaf(item) else _mapped(found, lambda each: replace(each, above=thing))


class StrictSubgraph:
    """One subgraph in process. Whatever it is asked that it should not be is an error."""

    def __init__(self, federation: Federation, graph: str, labels: frozenset[str], *, nulls: bool = True) -> None:
        self._world = World(federation, nulls=nulls)
        self._types = federation.types
        self._graph = graph
        self._labels = labels
        sdl = PRELUDE + subgraph_sdl(federation, graph)
        entities = entity_types(federation, graph)
        if entities:
            sdl += f"\nunion _Entity = {' | '.join(entities)}"
            sdl += "\nextend type Query { _entities(representations: [_Any!]!): [_Entity]! }"
        self.schema: GraphQLSchema = build_schema(sdl)

    def answer(self, body: bytes) -> dict[str, Any]:
        """The response to a request body. Raises AssertionError for a document that is not valid here."""
        request = json.loads(body)
        document = parse(request["query"])
        faults = validate(self.schema, document)
        assert not faults, (self._graph, request["query"], faults)
        result = execute_sync(
            self.schema,
            document,
            ROOT,
            variable_values=request.get("variables") or {},
            field_resolver=self._resolve,
            type_resolver=lambda thing, *_: thing.type_name,
        )
        assert not result.errors, (self._graph, request, result.errors)
        return {"data": result.data}

    def _resolve(self, thing: Thing, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        if info.field_name == "_entities":
            return [self._enter(each) for each in arguments["representations"]]
        item = self._types[info.parent_type.name].fields[info.field_name]
        provided = [each for each in thing.provided if each.name == item.name and self._applies(each, thing)]
        if not provided and not item.answers(self._graph, self._labels) and not self._is_own_key(item, info):
            raise AssertionError(f"{self._graph} does not answer {info.parent_type.name}.{item.name} here")
        if item.requires:
            required = parse_field_set(item.requires)
            assert thing.representation is not None, f"{item.name} was asked without a representation"
            return f"{item.name}:{json.dumps(_picked(self._world, thing.representation, required))}"
        if item.contexts:
            assert thing.representation is not None, f"{item.name} was asked outside of an entity call"
            return _contextual(item, thing, arguments)
        below = parse_field_set(item.provides[self._graph]) if self._graph in item.provides else ()
        for each in provided:
            below = (*below, *each.selections)
        found = self._world.value(item, thing, arguments)
        if is_leaf(item):
            return found
        known_as = named(item.type) if self._types[named(item.type)].interface_object == self._graph else None
        return _mapped(found, lambda each: Thing(known_as or each.type_name, each.number, None, below))

    def _applies(self, item: FieldSetItem, thing: Thing) -> bool:
        return item.on is None or thing.type_name in self._world.federation.possible_types(item.on)

    def _is_own_key(self, item: Field, info: GraphQLResolveInfo[Any]) -> bool:
        keys = self._types[info.parent_type.name].keys.get(self._graph, {})
        return any(item.name == each.name for key in keys for each in parse_field_set(key))

    def _enter(self, representation: Mapping[str, Any]) -> Thing:
        name = representation["__typename"]
        keys = [key for key, resolvable in self._types[name].keys.get(self._graph, {}).items() if resolvable]
        thing = self._world.identify(name, representation, keys)
        known_as = name if self._types[name].interface_object == self._graph else thing.type_name
        assert name in (known_as, *self._types[known_as].interfaces), (name, thing)
        return Thing(known_as, thing.number, representation)


def _arguments(item: FieldSetItem) -> dict[str, Any]:
    if not item.arguments:
        return {}
    field_node = parse(f"{{{item.name}{item.arguments}}}").definitions[0].selection_set.selections[0]  # type: ignore[attr-defined]
    return {node.name.value: int(value_from_ast_untyped(node.value)) for node in field_node.arguments}


def _mapped(value: Any, each: Callable[[Any], Any]) -> Any:
    if isinstance(value, list):
        return [_mapped(item, each) for item in value]
    return None if value is None else each(value)


def _holds(representation: Any, item: FieldSetItem) -> bool:
    if not isinstance(representation, Mapping) or item.name not in representation:
        return False
    return all(_holds(representation[item.name], below) for below in item.selections)


def _picked(world: World, representation: Mapping[str, Any], items: FieldSet) -> dict[str, Any]:
    """The fields of a field set from a representation. KeyError: one is missing."""
    chosen: dict[str, Any] = {}
    for item in items:
        if item.on is not None and representation["__typename"] not in world.federation.possible_types(item.on):
            continue
        chosen[item.name] = _picked_below(world, representation[item.name], item.selections)
    return chosen


def _picked_below(world: World, found: Any, below: FieldSet) -> Any:
    return _mapped(found, lambda each: _picked(world, each, below)) if below else found

"""What of a plan may be cached, for how long, and what evicts it: worked out once, with the plan. Pure.

Nothing is public unless somebody says so. A field of an entity or of the root needs a hint of its own; the hint of a field speaks
for its whole value, as far as there are no other entities in it. What an access rule guards is never cached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from graphql import (
    FieldNode,
    InlineFragmentNode,
    ListTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    SelectionSetNode,
    TypeNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

from gateway.cache.hints import CacheHints, Hint, strictest
from gateway.cache.tags import EntityKeys, TagNode
from gateway.planner.plan import Fetch, QueryPlan
from gateway.supergraph.sdl import Supergraph, named_type
from shared.cache.entries import ANY, tag

Guarded = Callable[[str, str], bool]
"""Whether an access rule speaks of a field of a concrete type."""


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """How one answer is cached: a root fetch's `data`, or each entity of one target.

    `identity` tells it from any other with the same variables. `lists` are the tags that it has whatever is in it.
    """

    max_age: int
    identity: bytes
    variables: tuple[str, ...]
    lists: frozenset[str]
    node: TagNode


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """One policy for each target of an entity fetch, or one for a root fetch; None is for what is not public.

    `aliases` are the response keys of the targets; a root fetch has none.
    """

    subgraph: str
    policies: tuple[CachePolicy | None, ...]
    aliases: tuple[str, ...]
    keys: EntityKeys


class _NotPublic(Exception):
    """Something in a selection may not be cached."""


class CacheRules:
    """The policies of one supergraph. `caches` says of a subgraph whether it is cached at all."""

    def __init__(self, supergraph: Supergraph, guarded: Guarded, caches: Callable[[str], bool]) -> None:
        self._reader = _Reader(supergraph, CacheHints(supergraph), EntityKeys(supergraph), guarded)
        self._caches = caches

    def of(self, plan: QueryPlan) -> dict[int, FetchPolicy]:
        """By fetch, for those of which something is public. None in a mutation: it sees nothing from before itself."""
        if plan.kind != "query":
            return {}
        found = {fetch.id: self._of_fetch(fetch) for fetch in plan.fetches}
        return {number: policy for number, policy in found.items() if policy is not None}

    def _of_fetch(self, fetch: Fetch) -> FetchPolicy | None:
        if not self._caches(fetch.subgraph) or not self._reader.hints:
            return None
        if any(target.contexts for target in fetch.targets):
            # Its entities go in groups by what their surroundings say, which a key would have to hold as well.
            return None
        (operation,) = parse(fetch.document, no_location=True).definitions
        assert isinstance(operation, OperationDefinitionNode)
        policies: tuple[CachePolicy | None, ...]
        if fetch.targets:
            fields = {
                _response_key(node): node for node in operation.selection_set.selections if isinstance(node, FieldNode)
            }
            policies = tuple(self._reader.of_entities(fetch, fields[target.alias]) for target in fetch.targets)
        else:
            policies = (self._reader.of_root(fetch, operation.selection_set),)
        if not any(policies):
            return None
        return FetchPolicy(fetch.subgraph, policies, tuple(target.alias for target in fetch.targets), self._reader.keys)


@dataclass(slots=True)
class _Reading:
    """What has been seen of one selection."""

    subgraph: str
    lists: set[str]
    max_age: int | None = None

    def limit(self, age: int) -> None:
        self.max_age = age if self.max_age is None else min(self.max_age, age)


class _Reader:
    def __init__(self, supergraph: Supergraph, hints: CacheHints, keys: EntityKeys, guarded: Guarded) -> None:
        self._supergraph = supergraph
        self.hints = hints
        self.keys = keys
        self._guarded = guarded
        query = supergraph.schema.query_type
        self._root = query.name if query else "Query"

    def of_root(self, fetch: Fetch, selections: SelectionSetNode) -> CachePolicy | None:
        return self._policy(fetch, selections, self._root)

    def of_entities(self, fetch: Fetch, entities: FieldNode) -> CachePolicy | None:
        assert entities.selection_set is not None
        return self._policy(fetch, entities.selection_set, None)

    def _policy(self, fetch: Fetch, selections: SelectionSetNode, type_name: str | None) -> CachePolicy | None:
        reading = _Reading(fetch.subgraph, set())
        node = TagNode(frozenset(), certain=False)
        try:
            self._read(selections, type_name, None, node, reading)
        except _NotPublic:
            return None
        if reading.max_age is None:
            return None
        text = print_ast(selections)
        used = _variables(selections)
        return CachePolicy(
            max_age=reading.max_age,
            identity=b"\0".join((fetch.subgraph.encode(), b"" if type_name is None else b"root", text.encode())),
            variables=tuple(name for name in fetch.variables if name in used),
            lists=frozenset(tag(name, ANY) for name in reading.lists),
            node=node,
        )

    def _read(
        self,
        selections: SelectionSetNode,
        type_name: str | None,
        inherited: int | None,
        node: TagNode,
        reading: _Reading,
    ) -> None:
        for selection in selections.selections:
            match selection:
                case InlineFragmentNode():
                    condition = selection.type_condition
                    inner = condition.name.value if condition else type_name
                    self._read(selection.selection_set, inner, inherited, node, reading)
                case FieldNode() if type_name is not None:
                    self._field(selection, type_name, inherited, node, reading)
                case FieldNode() if selection.name.value == "__typename":
                    node.typename = _response_key(selection)
                case _:
                    raise _NotPublic

    def _field(self, field: FieldNode, parent: str, inherited: int | None, node: TagNode, reading: _Reading) -> None:
        name, key = field.name.value, _response_key(field)
        if name == "__typename":
            node.typename = key
            return
        concrete = self._supergraph.possible_types(parent)
        if any(self._guarded(possible, name) for possible in concrete):
            raise _NotPublic
        for possible in concrete:
            if self.keys.field(possible) == name:
                node.keys[possible] = key
        type_ = self._type(parent, name, reading.subgraph)
        value = named_type(type_)
        age = self._age(parent, name, value, inherited)
        if age is not None:
            reading.limit(age)
        if field.selection_set is not None:
            reading.lists |= self._listed(value, in_list=_is_list(type_), seen=set())
            below = node.below.get(key)
            if below is None:
                types = self.keys.of(value)
                certain = len(types) == 1 and self._supergraph.possible_types(value) == types
                below = node.below[key] = TagNode(types, certain)
            self._read(field.selection_set, value, age if age is not None else inherited, below, reading)

    def _age(self, parent: str, name: str, value: str, inherited: int | None) -> int | None:
        """How long a field holds; None for a key, which says no more than the field that led to its object."""
        hint = self._hint(parent, name)
        of_value = None if value in self.keys else self.hints.of_type(value)
        if of_value is not None:
            hint = of_value if hint is None else Hint(hint.max_age, hint.private or of_value.private, hint.inherits)
        if hint is not None and hint.private:
            raise _NotPublic
        if hint is not None and hint.max_age is not None:
            if hint.max_age <= 0:
                raise _NotPublic
            return hint.max_age
        stands_alone = parent in self.keys or parent == self._root or bool(self.keys.of(parent))
        if stands_alone and not (hint is not None and hint.inherits):
            if name in self._key_fields(parent):
                return None
            raise _NotPublic
        if inherited is None:
            raise _NotPublic
        return inherited

    def _hint(self, parent: str, name: str) -> Hint | None:
        """Through an abstract type all its object types speak: what one of them says nothing about is not public."""
        own = self.hints.of_field(parent, name)
        possible = self._supergraph.possible_types(parent) - {parent}
        said = {concrete: self.hints.of_field(concrete, name) for concrete in possible}
        if own is None and not all(said.values()):
            return None
        hints = [hint for hint in (own, *said.values()) if hint is not None]
        return strictest(hints) if hints else None

    def _key_fields(self, parent: str) -> set[str]:
        """The top-level fields of the keys that all object types of `parent` have."""
        names: list[set[str]] = []
        for concrete in self._supergraph.possible_types(parent):
            joins = self._supergraph.types[concrete].joins.values()
            names.append({item.name for join in joins for key in join.keys for item in key.fields})
        return set.intersection(*names) if names else set()

    def _type(self, parent: str, name: str, subgraph: str) -> TypeNode:
        info = self._supergraph.types[parent].fields.get(name)
        if info is None:
            raise _NotPublic
        join = (info.joins or {}).get(subgraph)
        return join.type if join is not None and join.type is not None else info.type

    def _listed(self, type_name: str, *, in_list: bool, seen: set[tuple[str, bool]]) -> set[str]:
        """The entities that come and go in lists of a value of this type, selected or not: a count depends on them too."""
        found: set[str] = set()
        for concrete in self._supergraph.possible_types(type_name):
            if concrete in self.keys:
                found |= {concrete} if in_list else set()
            elif (concrete, in_list) not in seen:
                seen.add((concrete, in_list))
                for field in _composites(self._supergraph, concrete):
                    found |= self._listed(named_type(field), in_list=in_list or _is_list(field), seen=seen)
        return found


def _composites(supergraph: Supergraph, type_name: str) -> Iterator[TypeNode]:
    """The types of the fields that have fields themselves."""
    info = supergraph.types.get(type_name)
    for field in info.fields.values() if info else ():
        if named_type(field.type) in supergraph.types:
            yield field.type


def _response_key(node: FieldNode) -> str:
    return node.alias.value if node.alias else node.name.value


def _is_list(node: TypeNode) -> bool:
    inner = node.type if isinstance(node, NonNullTypeNode) else node
    return isinstance(inner, ListTypeNode)


class _Variables(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.names.add(node.name.value)


def _variables(selections: SelectionSetNode) -> set[str]:
    visitor = _Variables()
    visit(selections, visitor)
    return visitor.names

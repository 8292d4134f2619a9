"""From a validated document to the normal form of `gateway.planner.operation`.

Response keys are collected the way GraphQL's CollectFields does it, but for all concrete types and all variable values at
once: a later selection of a key takes only those types and conditions which no earlier selection of that key has taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SchemaMetaFieldDef,
    SelectionNode,
    SelectionSetNode,
    TypeMetaFieldDef,
    TypeNameMetaFieldDef,
    VariableNode,
    get_named_type,
    is_composite_type,
)

from gateway.errors import PlanError
from gateway.planner.budget import Budget
from gateway.planner.conditions import both, contradict, without
from gateway.planner.deferral import Deferral, DeferredFragments, rank
from gateway.planner.operation import ALWAYS, FieldSelection, Operation
from gateway.planner.plan import Condition, OperationKind
from gateway.supergraph.sdl import Supergraph, possible_types

# Nested fragments can double an operation with every level; far above what any real one has.
MAX_SELECTIONS = 10_000

# A step of the budget is worth several of these.
_SELECTIONS_A_STEP = 3
_ENTRIES_A_STEP = 32
_PIECES_A_STEP = 4

_META_FIELDS: Mapping[str, GraphQLField] = {
    "__typename": TypeNameMetaFieldDef,
    "__schema": SchemaMetaFieldDef,
    "__type": TypeMetaFieldDef,
}


_Part = tuple[FieldNode | OperationDefinitionNode, Condition, Deferral | None]
_Seen = tuple[int, frozenset[str], Condition, Deferral | None]


@dataclass(frozen=True, slots=True)
class _Occurrence:
    """A field node of the document where it applies, and the deferred fragment that it stands in."""

    node: FieldNode
    types: frozenset[str]
    condition: Condition
    deferral: Deferral | None


@dataclass(slots=True)
class _Entry:
    """A selection in the making: the occurrences that were merged into it, and under which condition each adds to it."""

    position: int
    node: FieldNode
    types: frozenset[str]
    condition: Condition
    parts: list[_Part]
    deferral: Deferral | None = None


@dataclass(slots=True)
class _Place:
    """The objects below `keys` response keys in one field; `deferrals` are the deferred fragments on them."""

    types: frozenset[str]
    known: Condition
    keys: int
    seen: set[_Seen] = field(default_factory=set)
    deferrals: dict[tuple[int, Deferral | None], Deferral] = field(default_factory=dict)


def normalize(
    schema: GraphQLSchema | Supergraph,
    document: DocumentNode,
    operation_name: str | None,
    budget: Budget | None = None,
    *,
    deferring: frozenset[str] | None = None,
) -> Operation:
    """The normal form of one operation of a document that was validated against `schema`.

    With `deferring`, the variables of `@defer(if:)` that are true, what is deferred is marked; otherwise nothing is deferred.

    Raises PlanError `OPERATION_NOT_FOUND` where the name fits no operation (or is missing and there are several), and
    `PLAN_BUDGET_EXCEEDED` where the normal form would grow past MAX_SELECTIONS or takes more than the budget.
    """
    graph = schema.schema if isinstance(schema, Supergraph) else schema
    definition = _find_operation(document, operation_name)
    root = graph.get_root_type(definition.operation)
    if root is None:
        raise PlanError("OPERATION_NOT_FOUND", f"The schema has no {definition.operation.value} type.")
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    deferred = None if deferring is None else DeferredFragments(deferring)
    normalizer = _Normalizer(graph, fragments, budget or Budget(), deferred)
    kind: OperationKind = definition.operation.value
    place = _Place(frozenset((root.name,)), ALWAYS, 0)
    selections = normalizer.selections(place, [(definition, ALWAYS, None)])
    return Operation(
        kind=kind,
        root_type=root.name,
        selections=selections,
        variables=tuple(definition.variable_definitions or ()),
        name=definition.name.value if definition.name else None,
        deferrals=tuple(place.deferrals.values()),
    )


def _find_operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is None and len(operations) == 1:
        return operations[0]
    for operation in operations:
        if name is not None and operation.name is not None and operation.name.value == name:
            return operation
    wanted = "an operation name, since the document holds several" if name is None else f'an operation named "{name}"'
    raise PlanError("OPERATION_NOT_FOUND", f"The document needs {wanted}.")


class _Normalizer:
    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        budget: Budget,
        deferred: DeferredFragments | None,
    ) -> None:
        self._budget = budget
        self._schema = schema
        self._fragments = fragments
        self._deferred = deferred
        self._possible: dict[str, frozenset[str]] = {}
        self._grouped: dict[tuple[frozenset[str], str], list[tuple[GraphQLOutputType, frozenset[str]]]] = {}
        self._count = 0

    def selections(self, place: _Place, parts: Iterable[_Part]) -> tuple[FieldSelection, ...]:
        """The merged selections at a place; its `known` is what holds wherever these selections are read."""
        by_key: dict[str, list[_Entry]] = {}
        for position, occurrence in self._all_occurrences(place, parts):
            key = (occurrence.node.alias or occurrence.node.name).value
            _add(by_key.setdefault(key, []), occurrence, position, self._budget)
        entries = sorted((entry for group in by_key.values() for entry in group), key=lambda entry: entry.position)
        return tuple(selection for entry in entries for selection in self._fields(entry, place))

    def _all_occurrences(self, place: _Place, parts: Iterable[_Part]) -> Iterable[tuple[int, _Occurrence]]:
        """The fields of all parts with their positions; those that come first take what later ones select as well."""
        found = (
            (len(place.seen), occurrence)
            for node, condition, deferral in parts
            if node.selection_set is not None
            for occurrence in self._occurrences(node.selection_set, place, place.types, condition, deferral)
        )
        return found if self._deferred is None else sorted(found, key=lambda item: rank(item[1].deferral))

    def _occurrences(
        self,
        selection_set: SelectionSetNode,
        place: _Place,
        types: frozenset[str],
        condition: Condition,
        deferral: Deferral | None,
    ) -> Iterator[_Occurrence]:
        """All fields of a selection set, fragments inlined. `seen` keeps repeated fragments from costing more than once."""
        for node in selection_set.selections:
            narrowed = _narrow(condition, node.directives or (), place.known)
            if narrowed is None:
                continue
            body = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            inner = types if isinstance(body, FieldNode) else self._narrow_types(types, body)
            within = deferral
            if inner and self._deferred is not None and not isinstance(node, FieldNode):
                within = self._deferral(self._deferred, node, place, (inner, narrowed), deferral)
            if not inner or (id(body), inner, narrowed, within) in place.seen:
                continue
            place.seen.add((id(body), inner, narrowed, within))
            self._count_one()
            if isinstance(body, FieldNode):
                yield _Occurrence(body, inner, narrowed, within)
            elif isinstance(body, InlineFragmentNode | FragmentDefinitionNode):
                yield from self._occurrences(body.selection_set, place, inner, narrowed, within)

    def _deferral(
        self,
        deferred: DeferredFragments,
        node: SelectionNode,
        place: _Place,
        where: tuple[frozenset[str], Condition],
        parent: Deferral | None,
    ) -> Deferral | None:
        """The innermost deferred fragment that the fields of a fragment stand in."""
        assert isinstance(node, InlineFragmentNode | FragmentSpreadNode)
        if not deferred.is_deferred(node):
            return parent
        key = (id(node), parent)
        if key not in place.deferrals:
            place.deferrals[key] = deferred.new(node, parent, place.keys)
        place.deferrals[key].where.append(where)
        return place.deferrals[key]

    def _narrow_types(self, types: frozenset[str], node: SelectionNode | FragmentDefinitionNode) -> frozenset[str]:
        assert isinstance(node, InlineFragmentNode | FragmentDefinitionNode)
        return types & self._possible_types(node.type_condition.name.value) if node.type_condition else types

    def _fields(self, entry: _Entry, place: _Place) -> Iterator[FieldSelection]:
        condition = entry.condition
        if entry.deferral is not None and entry.deferral.mark not in place.known.include:
            condition = replace(condition, include=condition.include | {entry.deferral.mark})
        for field_type, types in self._by_field_type(entry.types, entry.node.name.value):
            self._count_one()
            named = get_named_type(field_type)
            selections = None
            below = None
            if is_composite_type(named):
                below = _Place(self._possible_types(named.name), both(place.known, condition), place.keys + 1)
                selections = self.selections(below, entry.parts)
            yield FieldSelection(
                response_key=(entry.node.alias or entry.node.name).value,
                name=entry.node.name.value,
                type=field_type,
                types=types,
                arguments=tuple(entry.node.arguments or ()),
                condition=condition,
                selections=selections,
                deferrals=tuple(below.deferrals.values()) if below is not None else (),
            )

    def _by_field_type(
        self, types: frozenset[str], field_name: str
    ) -> Sequence[tuple[GraphQLOutputType, frozenset[str]]]:
        """Object types grouped by the type a field has on them, in a stable order."""
        known = self._grouped.get((types, field_name))
        if known is not None:
            return known
        groups: dict[str, tuple[GraphQLOutputType, set[str]]] = {}
        for name in sorted(types):
            field_type = self._field_type(name, field_name)
            groups.setdefault(str(field_type), (field_type, set()))[1].add(name)
        found = [(field_type, frozenset(names)) for field_type, names in groups.values()]
        self._grouped[types, field_name] = found
        return found

    def _field_type(self, type_name: str, field_name: str) -> GraphQLOutputType:
        if field_name in _META_FIELDS:
            return _META_FIELDS[field_name].type
        parent = self._schema.type_map[type_name]
        assert isinstance(parent, GraphQLObjectType | GraphQLInterfaceType)
        field: GraphQLField = parent.fields[field_name]
        return field.type

    def _possible_types(self, name: str) -> frozenset[str]:
        found = self._possible.get(name)
        if found is None:
            found = possible_types(self._schema, name)
            self._possible[name] = found
        return found

    def _count_one(self) -> None:
        self._count += 1
        if self._count % _SELECTIONS_A_STEP == 0:
            self._budget.spend()
        if self._count > MAX_SELECTIONS:
            raise PlanError("PLAN_BUDGET_EXCEEDED", f"The operation grows past {MAX_SELECTIONS} selections.")


def _add(entries: list[_Entry], occurrence: _Occurrence, position: int, budget: Budget) -> None:
    """Merge an occurrence into the entries of its response key; what none of them covers becomes new entries.

    An entry that shares only some types with the occurrence is split. The halves keep its position, which keeps the order
    because they have no type in common.
    """
    budget.spend(len(entries) // _ENTRIES_A_STEP)
    remaining = [(occurrence.types, occurrence.condition)]
    for entry in list(entries):
        shared = entry.types & occurrence.types
        if not shared or contradict(entry.condition, occurrence.condition):
            continue
        if occurrence.deferral is not None and entry.deferral not in (None, occurrence.deferral):
            assert entry.deferral is not None
            occurrence.deferral.after.add(entry.deferral)
        if occurrence.node.selection_set is not None:
            if shared != entry.types:
                entries.append(replace(entry, types=entry.types - shared, parts=list(entry.parts)))
                entry.types = shared
            condition = without(occurrence.condition, entry.condition)
            entry.parts.append((occurrence.node, condition, occurrence.deferral))
        # Under conditions of several variables each entry may split each piece.
        budget.spend(len(remaining) // _PIECES_A_STEP)
        remaining = [rest for piece in remaining for rest in _subtract(piece, entry)]
    entries.extend(
        _Entry(
            position,
            occurrence.node,
            types,
            condition,
            [(occurrence.node, ALWAYS, occurrence.deferral)],
            occurrence.deferral,
        )
        for types, condition in remaining
    )


def _subtract(piece: tuple[frozenset[str], Condition], entry: _Entry) -> Iterator[tuple[frozenset[str], Condition]]:
    types, condition = piece
    shared = types & entry.types
    if not shared or contradict(condition, entry.condition):
        yield piece
        return
    if shared != types:
        yield types - shared, condition
    # "condition and not entry.condition", as alternatives that exclude one another.
    missing = without(entry.condition, condition)
    for name in sorted(missing.include):
        yield shared, replace(condition, skip=condition.skip | {name})
        condition = replace(condition, include=condition.include | {name})
    for name in sorted(missing.skip):
        yield shared, replace(condition, include=condition.include | {name})
        condition = replace(condition, skip=condition.skip | {name})


def _narrow(condition: Condition, directives: Iterable[DirectiveNode], known: Condition) -> Condition | None:
    """`condition` and the node's own @skip/@include, less what is `known` to hold; None if it can never hold."""
    include, skip = set(condition.include), set(condition.skip)
    for directive in directives:
        name = directive.name.value
        if name not in ("skip", "include"):
            continue
        value = (directive.arguments or ())[0].value
        if isinstance(value, VariableNode):
            (skip if name == "skip" else include).add(value.name.value)
        elif isinstance(value, BooleanValueNode) and value.value == (name == "skip"):
            return None
    narrowed = Condition(frozenset(include), frozenset(skip))
    if contradict(narrowed, known) or narrowed.include & narrowed.skip:
        return None
    return without(narrowed, known)

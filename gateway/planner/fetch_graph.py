"""The fetch graph: the query tree cut into requests at every move to another subgraph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count

from gateway.planner.deferral import Marks, marks_of, without_marks
from gateway.planner.hops import CastHop, FieldHop, MoveHop, RootHop
from gateway.planner.places import Place
from gateway.planner.plan import ContextSource, Items, OnTypes, OperationKind, PathSegment, RepresentationField
from gateway.planner.query_tree import QueryTree, Source, TreeNode
from gateway.planner.selection_tree import Level, SelectedField
from gateway.supergraph.context_arguments import ContextArgument
from gateway.supergraph.federation_graph import FederationGraph

ENTITY = "_Entity"


@dataclass(slots=True, eq=False)
class Input:
    """How objects of some concrete types are represented in an entity call."""

    types: frozenset[str]
    typename: str | None
    keys: frozenset[str]
    fields: tuple[RepresentationField, ...]


@dataclass(frozen=True, slots=True)
class ContextVariable:
    """A variable that carries one context argument. `type` is its text in the subgraph."""

    name: str
    type: str
    sources: tuple[ContextSource, ...]


@dataclass(slots=True, eq=False)
class Step:
    """One request in the making. An entity call has `inputs`; `path` is where its objects are in the response tree.

    `turn` is the position among root fields that run in order, `input_of` the input of each type. `contexts` are all
    context arguments of its fields: where one of them has no value, nothing of the call can be asked for. `serves` are the
    marks of all that it fetches.
    """

    number: int
    subgraph: str
    kind: OperationKind
    path: tuple[PathSegment, ...]
    level: Level
    turn: int = 0
    inputs: list[Input] = field(default_factory=list)
    input_of: dict[str, Input] = field(default_factory=dict)
    after: set[Step] = field(default_factory=set)
    contexts: tuple[ContextVariable, ...] = ()
    serves: set[Marks] = field(default_factory=set)

    def add_input(self, added: Input) -> None:
        """Represent some more types."""
        self.inputs.append(added)
        self.input_of.update(dict.fromkeys(added.types, added))

    @property
    def marks(self) -> Marks:
        """What all that it fetches stands in: the request is deferred if that is anything."""
        return frozenset.intersection(*self.serves) if self.serves else frozenset()

    @property
    def is_entity_call(self) -> bool:
        return self.level.type_name == ENTITY


class FetchGraph:
    """All requests of an operation with what each waits for, in `steps`. `taken` are the names of the client's variables."""

    def __init__(
        self, tree: QueryTree, graph: FederationGraph, kind: OperationKind, taken: frozenset[str] = frozenset()
    ) -> None:
        self.steps: list[Step] = []
        self._free_names = (name for name in (f"c{number}" for number in count()) if name not in taken)
        self._contexts: dict[tuple[str, tuple[ContextSource, ...]], ContextVariable] = {}
        self._depths: dict[TreeNode, int] = {}
        self._graph = graph
        self._kind = kind
        self._step_of: dict[TreeNode, Step] = {}
        self._moves: list[tuple[TreeNode, Step]] = []
        self._objects: dict[tuple[Place, str], list[TreeNode]] = {}
        for root in tree.root.children.values():
            self._add_root(root)
        for node, step in self._moves:
            step.after |= {self._step_of[leaf] for leaf in node.requirements}
            sources = [source for argument in node.sources.values() for source in argument]
            step.after |= {self._step_of[leaf] for source in sources for leaf in source.leaves}
        if any(marks for step in self.steps for marks in step.serves):
            self._show_objects()
        if kind == "mutation":
            self._chain_turns()

    def _add_root(self, root: TreeNode) -> None:
        assert isinstance(root.hop, RootHop)
        step = self._new_step(root.hop.node.subgraph, self._kind, (), root.hop.node.type_name, root.hop.turn)
        self._visit(root, step, step.level, (), None)

    def _new_step(
        self, subgraph: str, kind: OperationKind, path: tuple[PathSegment, ...], type_name: str, turn: int
    ) -> Step:
        step = Step(len(self.steps), subgraph, kind, path, Level(type_name), turn)
        self.steps.append(step)
        return step

    def _visit(
        self, node: TreeNode, step: Step, level: Level, path: tuple[PathSegment, ...], types: frozenset[str] | None
    ) -> None:
        """Add everything below a tree node to a step; `types` are those to which the objects were narrowed at this place."""
        for child in node.children.values():
            match child.hop:
                case FieldHop():
                    self._add_field(child, step, level, path, types)
                case CastHop(node=tail):
                    self._visit(child, step, level.narrowed(tail.type_name), path, frozenset((tail.type_name,)))
                case MoveHop():
                    self._add_move(child, step, path, types)

    def _add_field(
        self, node: TreeNode, step: Step, level: Level, path: tuple[PathSegment, ...], types: frozenset[str] | None
    ) -> None:
        hop = node.hop
        assert isinstance(hop, FieldHop)
        self._step_of[node] = step
        selected = level.fields.get(node.response_key)
        if selected is None:
            selected = SelectedField(hop.edge.name, hop.arguments, node.response_key, hop.edge.type)
            selected.contextual = self._contextual(node, hop.edge.contexts) if hop.edge.contexts else ""
            level.fields[node.response_key] = selected
        selected.conditions |= {without_marks(condition) for condition in node.conditions}
        if hop.edge.tail is None:
            step.serves |= {marks_of(condition) for condition in node.conditions}
            return
        if selected.level is None:
            selected.level = Level(hop.edge.tail.type_name)
        narrowed = (OnTypes(types),) if types is not None else ()
        below = (*path, *narrowed, node.response_key, *(Items() for _ in range(hop.edge.lists)))
        self._depths[node] = len(below)
        head = hop.edge.head
        self._objects.setdefault((node.place, head.concrete or head.type_name), []).append(node)
        self._visit(node, step, selected.level, below, None)

    def _add_move(
        self, node: TreeNode, parent: Step, path: tuple[PathSegment, ...], types: frozenset[str] | None
    ) -> None:
        hop = node.hop
        assert isinstance(hop, MoveHop)
        if hop.move.is_root:
            step = self._new_step(hop.node.subgraph, "query", path, hop.node.type_name, parent.turn)
            level = step.level
        else:
            step = self._new_step(hop.node.subgraph, "query", path, ENTITY, parent.turn)
            step.add_input(self._input(node, hop))
            step.contexts = tuple(self._variable(node, argument) for argument in hop.contexts)
            level = step.level.narrowed(hop.node.type_name)
            self._moves.append((node, step))
        step.after.add(parent)
        self._visit(node, step, level, path, types)

    def _input(self, node: TreeNode, hop: MoveHop) -> Input:
        base = node.parent
        assert base is not None
        assert base.node is not None
        name = base.node.concrete or base.node.type_name
        return Input(
            # Where a subgraph knew only the interface, the tree holds the interface's name as the object's type.
            types=self._graph.possible_types(name) | {name},
            typename=hop.move.typename,
            keys=frozenset(item.name for item in hop.move.key),
            fields=_representation(base, node.requirements),
        )

    def _contextual(self, node: TreeNode, arguments: Iterable[ContextArgument]) -> str:
        move = node.parent
        while move is not None and not isinstance(move.hop, MoveHop):
            move = move.parent
        assert move is not None
        return ",".join(f"{each.name}:${self._variable(move, each).name}" for each in arguments)

    def _variable(self, move: TreeNode, argument: ContextArgument) -> ContextVariable:
        """The variable of an argument of the field after a move. What is read in the same way has the same name."""
        sources = tuple(self._source(source) for source in move.sources[argument])
        key = (argument.type, sources)
        if key not in self._contexts:
            self._contexts[key] = ContextVariable(next(self._free_names), argument.type, sources)
        return self._contexts[key]

    def _source(self, source: Source) -> ContextSource:
        fields = _without_typenames(_representation(source.base, source.leaves, typename=True))
        on_types = None if source.on is None else frozenset((source.on,))
        # Roots lie above everything, whichever of them is visited first.
        return ContextSource(self._depths.get(source.base.at_origin(), 0), fields, on_types)

    def _show_objects(self) -> None:
        """An object that is not deferred is fetched with what is not, even where all that is asked of it is."""
        for nodes in self._objects.values():
            for marks in {marks_of(condition) for node in nodes for condition in node.conditions}:
                if not any(shown <= marks for node in nodes for shown in _leaf_marks(node)):
                    least = min((self._step_of[node] for node in nodes), key=lambda step: len(step.marks))
                    least.serves.add(marks)

    def _chain_turns(self) -> None:
        """A root field of a mutation starts when all that belongs to the ones before it is done."""
        roots = sorted((step for step in self.steps if not step.after), key=lambda step: step.turn)
        for root in roots:
            root.after |= {step for step in self.steps if step.turn == root.turn - 1 and not step.marks}


def _leaf_marks(node: TreeNode) -> Iterator[Marks]:
    """The marks of the leaves that are fetched together with an object."""
    for child in node.children.values():
        if isinstance(child.hop, FieldHop) and child.hop.edge.tail is None:
            yield from (marks_of(condition) for condition in child.conditions)
        elif isinstance(child.hop, FieldHop | CastHop):
            yield from _leaf_marks(child)


def _representation(
    base: TreeNode, leaves: Iterable[TreeNode], *, typename: bool = False
) -> tuple[RepresentationField, ...]:
    """The fields of a representation as they are read from the response tree, from the paths to its leaves.

    Every representation says the object's type without being told to, so that it is a field of its own only on demand.
    """
    fields: tuple[RepresentationField, ...] = ()
    for leaf in leaves:
        field_: RepresentationField | None = None
        node = leaf
        while node is not base:
            assert node.parent is not None
            if isinstance(node.hop, FieldHop):
                field_ = _represented(node, node.hop, field_, node.parent is not base)
            node = node.parent
        if field_ is not None and (typename or field_.name != "__typename"):
            fields = merge_fields(fields, (field_,))
    return fields


def _represented(
    node: TreeNode, hop: FieldHop, below: RepresentationField | None, narrowed: bool
) -> RepresentationField:
    """One field of a representation. `narrowed`: a cast before it concerns this field alone."""
    selections = None
    if below is not None:
        told = any(child.response_key == "__typename" for child in node.children.values())
        typename = (RepresentationField("__typename", "__typename"),) if told else ()
        selections = (*typename, below)
    cast = node.parent.hop if node.parent is not None and narrowed else None
    on_types = frozenset((cast.node.type_name,)) if isinstance(cast, CastHop) else None
    return RepresentationField(hop.edge.name, node.response_key, selections, on_types)


def _without_typenames(fields: tuple[RepresentationField, ...]) -> tuple[RepresentationField, ...]:
    """Without the types that stand beside something else: what was selected is one value."""
    kept = tuple(each for each in fields if each.name != "__typename") or fields
    return tuple(
        each if each.selections is None else replace(each, selections=_without_typenames(each.selections))
        for each in kept
    )


def merge_fields(
    one: tuple[RepresentationField, ...], other: tuple[RepresentationField, ...]
) -> tuple[RepresentationField, ...]:
    """All fields of both; a field that stands in both becomes one."""
    merged = {(item.name, item.source, item.on_types): item for item in one}
    for item in other:
        key = (item.name, item.source, item.on_types)
        known = merged.get(key)
        if known is not None and known.selections is not None and item.selections is not None:
            below = merge_fields(known.selections, item.selections)
            item = RepresentationField(item.name, item.source, below, item.on_types)  # noqa: PLW2901
        merged[key] = item
    return tuple(merged.values())

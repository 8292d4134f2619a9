"""The query tree: the chosen paths of all leaves, grown together wherever they go the same way.

Leaves are taken one by one, those with the fewest alternatives first, and each by the path that adds least to the tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.errors import PlanError
from gateway.planner.budget import Budget
from gateway.planner.contexts import Contexts
from gateway.planner.deferral import marks_of
from gateway.planner.hops import MOVE_COST, CastHop, FieldHop, Hop, MoveHop, RequiredLeaf, RootHop, deferred_hops
from gateway.planner.paths import Leaf, Path
from gateway.planner.places import Place
from gateway.planner.plan import Condition
from gateway.supergraph.context_arguments import ContextArgument
from gateway.supergraph.federation_graph import FederationGraph, Node

_Key = tuple[object, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Where a context argument may be read: at the leaves below the object of `base`, if it is of the type `on`."""

    base: TreeNode
    on: str | None
    leaves: list[TreeNode]


class TreeNode:
    """Where the hops from the root to here lead.

    `node` is the federation graph's node for the objects here, for a leaf field that of its parent; `place` where they are
    in the response tree. `conditions` are those under which a field is wanted; `requirements`, of a move, the leaves that
    must have been fetched before it, `sources` where its context arguments are read, the nearest first. `response_key` is
    set for fields.
    """

    __slots__ = ("children", "conditions", "hop", "node", "parent", "place", "requirements", "response_key", "sources")

    def __init__(self, parent: TreeNode | None, hop: Hop | None, node: Node | None, place: Place) -> None:
        self.parent = parent
        self.hop = hop
        self.node = node
        self.place = place
        self.response_key = ""
        self.children: dict[_Key, TreeNode] = {}
        self.conditions: set[Condition] = set()
        self.requirements: list[TreeNode] = []
        self.sources: dict[ContextArgument, list[Source]] = {}

    def at_origin(self) -> TreeNode:
        """The node by which the object of this node came into the response tree."""
        found = self
        while found.parent is not None and isinstance(found.hop, MoveHop | CastHop):
            found = found.parent
        return found

    def enclosing(self) -> list[list[TreeNode]]:
        """The objects above this one, the nearest first, each by its nodes as `contexts.Known` has them."""
        found: list[list[TreeNode]] = []
        origin = self.at_origin()
        while origin.parent is not None and isinstance(origin.hop, FieldHop):
            nodes = [origin.parent]
            while isinstance(nodes[-1].hop, MoveHop) and nodes[-1].parent is not None:
                nodes.append(nodes[-1].parent)
            found.append(nodes)
            origin = origin.parent.at_origin()
        return found


@dataclass(frozen=True, slots=True)
class _Way:
    """Paths, one a hop, that go on from `base`."""

    base: TreeNode
    paths: Sequence[Path]


class QueryTree:
    """Grows the tree. Build it once with `grow`; read it from `root`."""

    def __init__(self, graph: FederationGraph, contexts: Contexts, places: Place, budget: Budget) -> None:
        self.root = TreeNode(None, None, None, places)
        self._graph = graph
        self._contexts = contexts
        self._budget = budget
        self._known: dict[Path, TreeNode] = {}
        self._fresh: dict[Path, int] = {}

    def grow(self, leaves: Sequence[Leaf]) -> None:
        """Add a path for every leaf."""
        settled = [leaf for leaf in leaves if len(leaf.alternatives) == 1]
        open_leaves = [leaf for leaf in leaves if len(leaf.alternatives) > 1]
        in_order = (*settled, *sorted(open_leaves, key=lambda leaf: len(leaf.alternatives)))
        # What is not deferred is not led astray by what is.
        for leaf in sorted(in_order, key=_depth_of_deferral):
            ways = [self._open(path) for path in leaf.alternatives]
            way = ways[0] if len(ways) == 1 else min(ways, key=self._added_by)
            self._grow(way)

    def _open(self, path: Path) -> _Way:
        """The part of a path that the tree may lack, and where it begins."""
        fresh: list[Path] = []
        step: Path | None = path
        while step is not None and step not in self._known:
            fresh.append(step)
            step = step.parent
        fresh.reverse()
        return _Way(self._known[step] if step is not None else self.root, fresh)

    def _grow(self, way: _Way) -> None:
        node: TreeNode | None = self._insert(way.base, [path.hop for path in way.paths], None)
        for path in reversed(way.paths):
            assert node is not None
            # What a move needs depends on the field that follows, so that a path never goes on from the move itself.
            if isinstance(path.hop, FieldHop | RootHop):
                self._known[path] = node
            node = node.parent

    def _added_by(self, way: _Way) -> int:
        node = way.base
        for path in way.paths:
            self._budget.spend()
            child = node.children.get(self._key(node, path.hop)[0])
            if child is None:
                # Nothing below this hop can be there yet.
                return self._own_cost(node, path.hop) + self._fresh_cost(way.paths[-1]) - self._fresh_cost(path)
            node = child
        return 0

    def _fresh_cost(self, path: Path) -> int:
        """What a path adds to an empty tree."""
        pending: list[Path] = []
        step: Path | None = path
        while step is not None and step not in self._fresh:
            pending.append(step)
            step = step.parent
        cost = self._fresh[step] if step is not None else 0
        for fresh in reversed(pending):
            cost += self._own_cost(None, fresh.hop)
            self._fresh[fresh] = cost
        return cost

    def _insert(self, base: TreeNode, hops: Sequence[Hop], condition: Condition | None) -> TreeNode:
        """Add one path below `base`. `condition` is that of planner's own fields; client fields bring theirs."""
        node = base
        pending: list[TreeNode] = []
        for hop in hops if condition is None else deferred_hops(hops, condition):
            self._budget.spend()
            node = self._step(node, hop)
            if not isinstance(hop, FieldHop):
                pending.append(node)
                continue
            wanted = hop.condition if condition is None else condition
            for earlier in pending:
                self._demand(earlier, wanted)
            pending.clear()
            node.conditions.add(wanted)
            if condition is not None and hop.edge.tail is not None and self._graph.is_abstract(hop.edge.tail):
                # Whoever is sent the object must be able to tell its type.
                self._typename(node).conditions.add(condition)
        return node

    def _step(self, node: TreeNode, hop: Hop) -> TreeNode:
        key, response_key = self._key(node, hop)
        known = node.children.get(key)
        if known is not None:
            return known
        match hop:
            case FieldHop():
                child = TreeNode(node, hop, hop.edge.tail, node.place.child(response_key))
                child.response_key = response_key
            case _:
                child = TreeNode(node, hop, hop.node, node.place)
        node.children[key] = child
        return child

    def _demand(self, node: TreeNode, condition: Condition) -> None:
        """Fetch what a move or a cast needs, at least where `condition` holds."""
        base = node.parent
        assert base is not None
        match node.hop:
            case CastHop():
                self._typename(self._knows_type(base)).conditions.add(condition)
            case MoveHop(move=move, requirement=requirement) if not move.is_root:
                self._typename(base.at_origin()).conditions.add(condition)
                if node.hop.contexts:
                    self._demand_contexts(node, node.hop.contexts, condition)
                if not node.requirements:
                    node.requirements = [self._require(base, leaf, condition) for leaf in requirement.leaves]
                    return
                for leaf in node.requirements:
                    self._insert(base, _hops_between(base, leaf), condition)

    def _demand_contexts(self, node: TreeNode, arguments: Iterable[ContextArgument], condition: Condition) -> None:
        """Fetch what the context arguments of the field after a move are read from."""
        for argument in arguments:
            if argument not in node.sources:
                node.sources[argument] = self._find_sources(node, argument, condition)
                continue
            for source in node.sources[argument]:
                for leaf in source.leaves:
                    self._insert(source.base, _hops_between(source.base, leaf), condition)

    def _find_sources(self, node: TreeNode, argument: ContextArgument, condition: Condition) -> list[Source]:
        enclosing = self._with_all_roots(node.enclosing(), argument)
        known = [[each.node for each in nodes if each.node is not None] for nodes in enclosing]
        offers = self._contexts.offers(argument, known)
        if not offers:
            message = f"Nothing above this place sets the context {argument.context}."
            raise PlanError("OPERATION_UNPLANNABLE", message)
        sources: list[Source] = []
        for offer in offers:
            base = enclosing[offer.level][offer.start]
            leaves = [self._require(base, leaf, condition) for leaf in offer.requirement.leaves]
            if offer.on is not None:
                self._typename(self._knows_type(base)).conditions.add(condition)
            sources.append(Source(base, offer.on, leaves))
        return sources

    def _with_all_roots(self, enclosing: list[list[TreeNode]], argument: ContextArgument) -> list[list[TreeNode]]:
        """The query root, where it sets the context, is read in every subgraph without waiting for any other."""
        if not enclosing or not isinstance(enclosing[-1][0].hop, RootHop):
            return enclosing
        asked = enclosing[-1][0]
        marks = enclosing[-1][0].hop.marks
        known = self._graph.roots(enclosing[-1][0].hop.node.type_name)
        others = [
            each
            for each in known
            if each is not asked.node and each.type_name in self._graph.carriers(argument.context)
        ]
        return [*enclosing[:-1], [*(self._step(self.root, RootHop(each, marks=marks)) for each in others), asked]]

    def _require(self, base: TreeNode, leaf: RequiredLeaf, condition: Condition) -> TreeNode:
        ways = [deferred_hops(way, condition) for way in leaf.alternatives]
        return self._insert(base, self._cheapest(base, ways), condition)

    def _typename(self, node: TreeNode) -> TreeNode:
        assert node.node is not None
        return self._step(node, FieldHop(self._graph.typename(node.node)))

    def _knows_type(self, node: TreeNode) -> TreeNode:
        """The first node on the way to an object whose subgraph knows the object's type."""
        while node.parent is not None and isinstance(node.hop, MoveHop | CastHop):
            if isinstance(node.hop, MoveHop) and self._is_blind(node.parent):
                break
            node = node.parent
        return node

    def _is_blind(self, node: TreeNode) -> bool:
        return node.node is not None and self._graph.is_interface_object(node.node) and node.node.concrete is None

    def _cheapest(self, base: TreeNode, ways: Sequence[Sequence[Hop]]) -> Sequence[Hop]:
        if len(ways) == 1:
            return ways[0]
        return min(ways, key=lambda way: self._added_cost(base, way))

    def _added_cost(self, base: TreeNode | None, hops: Iterable[Hop]) -> int:
        """What a path would add to the tree; `base` is None where nothing of it is there yet."""
        cost = 0
        node = base
        for hop in hops:
            self._budget.spend()
            child = node.children.get(self._key(node, hop)[0]) if node is not None else None
            if child is None:
                cost += self._own_cost(node, hop)
            node = child
        return cost

    def _own_cost(self, base: TreeNode | None, hop: Hop) -> int:
        """What a hop adds that is not there yet; a move also brings along what it needs to know."""
        if isinstance(hop, FieldHop | CastHop):
            return 1
        needed = hop.requirement.leaves if isinstance(hop, MoveHop) else ()
        return MOVE_COST + sum(self._cheapest_cost(base, leaf) for leaf in needed)

    def _cheapest_cost(self, base: TreeNode | None, leaf: RequiredLeaf) -> int:
        return min(self._added_cost(base, way) for way in leaf.alternatives)

    def _key(self, node: TreeNode, hop: Hop) -> tuple[_Key, str]:
        """What tells a hop from its siblings, and the response key of a field."""
        match hop:
            case RootHop():
                return (hop.node, hop.turn, hop.marks), ""
            case CastHop():
                return (hop.node,), ""
            case MoveHop():
                return (hop.node, hop.move.key, hop.requires, hop.contexts, hop.marks), ""
            case FieldHop():
                response_key = hop.response_key or self._free_key(node, hop)
                return (hop.edge, hop.arguments, response_key), response_key

    def _free_key(self, node: TreeNode, hop: FieldHop) -> str:
        return node.place.key_for(self._types(hop.edge.head), hop.edge.name, hop.arguments)

    def _types(self, node: Node) -> frozenset[str]:
        return self._graph.possible_types(node.concrete or node.type_name)


def _depth_of_deferral(leaf: Leaf) -> int:
    hop = leaf.alternatives[0].hop
    return len(marks_of(hop.condition)) if isinstance(hop, FieldHop) else 0


def _hops_between(base: TreeNode, node: TreeNode) -> list[Hop]:
    hops: list[Hop] = []
    while node is not base:
        assert node.hop is not None
        assert node.parent is not None
        hops.append(node.hop)
        node = node.parent
    hops.reverse()
    return hops

"""Walks a client's operation through the federation graph and finds, for each leaf, the cheapest paths to it.

Composite fields keep their cheapest path into every subgraph, since what stands below may need any of them; which path an
operation takes is decided at its leaves, by `query_tree`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graphql import TypeNameMetaFieldDef, get_named_type

from gateway.errors import PlanError
from gateway.planner.budget import Budget
from gateway.planner.contexts import Contexts, Known
from gateway.planner.deferral import Marks, marks_of
from gateway.planner.hops import MOVE_COST, FieldHop, Hop, MoveHop, RootHop, Route, deferred_hops
from gateway.planner.operation import ALWAYS, FieldSelection, Operation
from gateway.planner.plan import Condition
from gateway.planner.routes import MAX_ALTERNATIVES, Routes
from gateway.supergraph.federation_graph import FederationGraph, FieldEdge, Node
from gateway.supergraph.field_set import arguments_text

# A step of the budget is worth several of these.
_TYPES_A_STEP = 16


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """A path from the root of an operation; its hops are linked backwards. `cost` is that of the whole path."""

    parent: Path | None
    hop: Hop
    node: Node
    cost: int

    def hops(self) -> list[Hop]:
        """All hops from the root on."""
        found: list[Hop] = []
        path: Path | None = self
        while path is not None:
            found.append(path.hop)
            path = path.parent
        found.reverse()
        return found

    def enclosing(self) -> list[Known]:
        """The objects above the one at the end of this path, the nearest first."""
        found: list[Known] = []
        path: Path | None = self
        while path is not None:
            if isinstance(path.hop, FieldHop) and path.parent is not None:
                found.append(path.parent.known())
            path = path.parent
        return found

    def known(self) -> list[Node]:
        """The nodes of this path's object back to where it was found, or to where its type was told."""
        found = [self.node]
        path = self
        while isinstance(path.hop, MoveHop) and path.parent is not None:
            path = path.parent
            found.append(path.node)
        return found


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf of the operation with the equally cheap paths to it."""

    alternatives: tuple[Path, ...]


class _Unresolvable(Exception):
    def __init__(self, type_name: str, field_name: str) -> None:
        super().__init__(f"{type_name}.{field_name}")


class Walker:
    """Walks one operation. Create one for each operation."""

    def __init__(self, graph: FederationGraph, routes: Routes, budget: Budget) -> None:
        self._graph = graph
        self._routes = routes
        self._budget = budget
        self._contexts = Contexts(graph, routes, budget)
        self._leaves: list[Leaf] = []
        self._local: dict[tuple[int, Node, str], bool] = {}

    def walk(self, operation: Operation) -> list[Leaf]:
        """The leaves of an operation in the client's order.

        Raises PlanError `OPERATION_UNPLANNABLE` where no subgraphs together can answer a field.
        """
        selections = [selection for selection in operation.selections if not selection.is_introspection]
        roots = self._graph.roots(operation.root_type)
        try:
            if operation.kind == "query":
                for marks, chosen in _by_marks(selections):
                    paths = [Path(None, RootHop(node, marks=marks), node, MOVE_COST) for node in roots]
                    self._walk_all(chosen, operation.root_type, paths, ALWAYS)
            else:
                self._walk_serially(selections, operation.root_type, roots)
        except _Unresolvable as error:
            raise PlanError("OPERATION_UNPLANNABLE", f"The subgraphs cannot answer {error} at this place.") from error
        return self._leaves

    def _walk_serially(self, selections: Sequence[FieldSelection], root_type: str, roots: Iterable[Node]) -> None:
        """Root fields that run in order: each is asked of one subgraph alone, so that nothing is done twice."""
        turn, last = 0, ""
        for selection in selections:
            best = self._cheapest_root(selection, root_type, roots, turn, last)
            subgraph = best[0].alternatives[0].hops()[0]
            assert isinstance(subgraph, RootHop)
            turn, last = subgraph.turn, subgraph.node.subgraph
            self._leaves.extend(best)

    def _cheapest_root(
        self, selection: FieldSelection, root_type: str, roots: Iterable[Node], turn: int, last: str
    ) -> list[Leaf]:
        found: list[tuple[int, bool, list[Leaf]]] = []
        kept = self._leaves
        for node in roots:
            if self._graph.field(node, selection.name) is None:
                continue
            own_turn = turn if node.subgraph == last else turn + 1
            self._leaves = []
            path = Path(None, RootHop(node, own_turn), node, MOVE_COST)
            try:
                self._walk_one(selection, root_type, [path], ALWAYS)
            except _Unresolvable:
                continue
            cost = sum(leaf.alternatives[0].cost for leaf in self._leaves)
            found.append((cost, node.subgraph != last, self._leaves))
        self._leaves = kept
        if not found:
            raise _Unresolvable(root_type, selection.name)
        return min(found, key=lambda item: item[:2])[2]

    def _walk_all(
        self, selections: Iterable[FieldSelection], type_name: str, paths: list[Path], condition: Condition
    ) -> None:
        for selection in selections:
            self._walk_one(selection, type_name, paths, condition)

    def _walk_one(self, selection: FieldSelection, type_name: str, paths: list[Path], condition: Condition) -> None:
        """One selection at a place of static type `type_name`: for all its objects alike, or type by type."""
        own = selection.condition
        absolute = Condition(condition.include | own.include, condition.skip | own.skip)
        known: frozenset[str] = frozenset().union(*(self._graph.members(path.node) for path in paths))
        types = sorted(selection.types & known)
        self._budget.spend(len(types) // _TYPES_A_STEP)
        if selection.types >= self._graph.visible_types(type_name):
            if self._is_better_whole(selection, types, paths) and self._walk_whole(selection, types, paths, absolute):
                return
            paths = [path for path in paths if self._answers_all_types(path, selection, types)]
            if not paths:
                raise _Unresolvable(type_name, selection.name)
        # A type that no subgraph can return at this place needs no answer.
        for name in types:
            self._walk_target(selection, name, paths, absolute)

    def _walk_whole(self, selection: FieldSelection, types: list[str], paths: list[Path], condition: Condition) -> bool:
        """Try a selection without telling types apart. False leaves no trace and says to go type by type."""
        mark = len(self._leaves)
        try:
            self._walk_target(selection, None, paths, condition)
        except _Unresolvable:
            # Where there is one type only, going by types would fail in the same way.
            if all(path.node.type_name in types for path in paths):
                raise
            del self._leaves[mark:]
            return False
        return True

    def _answers_all_types(self, path: Path, selection: FieldSelection, types: list[str]) -> bool:
        """Whether a field asked of all types alike can be answered for each of them from where this path leads.

        Subgraphs that resolve the same field agree on the object; that one of them cannot go on with some type must not
        be made up for by asking another for that type alone.
        """
        known = self._graph.members(path.node)
        return all(self._all_routes(path, selection.name, name) for name in types if name in known)

    def _is_better_whole(self, selection: FieldSelection, types: list[str], paths: list[Path]) -> bool:
        if len(types) == 1 or any(self._routes.direct(path.node, selection.name) for path in paths):
            return True
        whole = self._cheapest(selection.name, None, paths)
        split = [self._cheapest(selection.name, name, paths) for name in types]
        return whole is not None and (None in split or whole <= max((cost for cost in split if cost), default=0))

    def _cheapest(self, name: str, on: str | None, paths: list[Path]) -> int | None:
        costs = [route.cost for path in paths for route in self._all_routes(path, name, on)]
        return min(costs, default=None)

    def _all_routes(self, path: Path, name: str, on: str | None) -> Iterable[Route]:
        direct = self._routes.direct(path.node, name, on)
        return (direct,) if direct else self._routes.reach(path.node, name, self._budget, on)

    def _walk_target(self, selection: FieldSelection, on: str | None, paths: list[Path], condition: Condition) -> None:
        candidates = self._candidates(selection, on, paths, condition)
        if not candidates:
            raise _Unresolvable(on or paths[0].node.type_name, selection.name)
        if selection.selections is None:
            self._add_leaf(candidates)
            return
        type_name = get_named_type(selection.type).name
        mark = len(self._leaves)
        self._walk_all(selection.selections, type_name, candidates, condition)
        self._add_typename(selection.selections, type_name, candidates, condition)
        if len(self._leaves) == mark:
            # Nothing below can ever be answered, but that the object is there must show.
            self._add_leaf([self._with_typename(path, condition) for path in candidates])

    def _add_leaf(self, paths: list[Path]) -> None:
        cheapest = min(path.cost for path in paths) // MOVE_COST
        near = [path for path in paths if path.cost // MOVE_COST == cheapest]
        self._leaves.append(Leaf(tuple(sorted(near, key=lambda path: path.cost))))

    def _add_typename(
        self, selections: Sequence[FieldSelection], type_name: str, paths: list[Path], condition: Condition
    ) -> None:
        """Projection has to know of which type an object is, wherever there may be several and it makes a difference."""
        if self._graph.possible_types(type_name) == {type_name}:
            return
        visible = self._graph.visible_types(type_name)
        if not any(self._graph.is_interface_object(path.node) for path in paths):
            self._add_leaf([self._with_typename(path, condition) for path in paths])
        elif any(selection.name == "__typename" or not selection.types >= visible for selection in selections):
            # It has to be found out even if all that depends on it is skipped in the end.
            typename = FieldSelection("__typename", "__typename", TypeNameMetaFieldDef.type, visible)
            self._walk_one(typename, type_name, paths, condition)

    def _with_typename(self, path: Path, condition: Condition) -> Path:
        hop = FieldHop(self._graph.typename(path.node), "", "__typename", condition)
        return Path(path, hop, path.node, path.cost)

    def _candidates(
        self, selection: FieldSelection, on: str | None, paths: list[Path], condition: Condition
    ) -> list[Path]:
        """The paths to a field: the direct ones where they suffice, else the cheapest into every subgraph."""
        self._budget.spend(len(paths))
        direct = [(path, self._routes.direct(path.node, selection.name, on)) for path in paths]
        found = [(path, route) for path, route in direct if route is not None]
        enough = [item for item in found if self._is_local(item[1].edge, selection)]
        if enough:
            found = enough
        else:
            for path in paths:
                routes = self._routes.reach(path.node, selection.name, self._budget, on)
                found.extend((path, route) for route in routes if self._has_contexts(path, route.edge))
        tails = [route.edge.tail for _, route in found if route.edge.tail is not None]
        arguments = arguments_text(selection.arguments)
        return [
            self._extend(path, route, FieldHop(route.edge, arguments, selection.response_key, condition), tails)
            for path, route in _cheapest_per_tail(found)
        ]

    def _has_contexts(self, path: Path, edge: FieldEdge) -> bool:
        """Whether there is something above a field to read its context arguments from."""
        if not edge.contexts:
            return True
        enclosing = path.enclosing()
        return all(self._contexts.offers(argument, enclosing) for argument in edge.contexts)

    def _extend(self, path: Path, route: Route, last: FieldHop, tails: list[Node]) -> Path:
        cost = path.cost + route.cost
        for hop in deferred_hops(route.hops, last.condition):
            assert not isinstance(hop, FieldHop)
            path = Path(path, hop, hop.node, cost)
        tail = last.edge.tail
        if tail is None:
            return Path(path, last, last.edge.head, cost)
        if tail in tails and self._graph.varies(last.edge):
            # Subgraphs that resolve the same union may each know members of their own. What is answered must not depend
            # on which of them is asked.
            common = frozenset.intersection(*(self._graph.members(other) for other in tails))
            tail = self._graph.limited(tail, common)
        return Path(path, last, tail, cost)

    def _is_local(self, edge: FieldEdge, selection: FieldSelection) -> bool:
        """Whether one subgraph answers all that is selected below a field, so that no other way need be looked at."""
        if selection.selections is None:
            return True
        tail = edge.tail
        if tail is None or self._graph.varies(edge):
            return False
        type_name = get_named_type(selection.type).name
        key = (id(selection), tail, type_name)
        if key not in self._local:
            self._budget.spend()
            self._local[key] = all(self._answers(tail, type_name, below) for below in selection.selections)
        return self._local[key]

    def _answers(self, node: Node, type_name: str, selection: FieldSelection) -> bool:
        if selection.types >= self._graph.visible_types(type_name):
            route = self._routes.direct(node, selection.name)
            if route is not None:
                return self._is_local(route.edge, selection)
        if self._graph.is_interface_object(node):
            return False
        for name in sorted(selection.types & self._graph.members(node)):
            route = self._routes.direct(node, selection.name, name)
            if route is None or not self._is_local(route.edge, selection):
                return False
        return True


def _by_marks(selections: Iterable[FieldSelection]) -> Iterable[tuple[Marks, list[FieldSelection]]]:
    """Root fields that are deferred are asked for apart from those that are not."""
    groups: dict[Marks, list[FieldSelection]] = {frozenset(): []}
    for selection in selections:
        groups.setdefault(marks_of(selection.condition), []).append(selection)
    return groups.items()


def _cheapest_per_tail(found: list[tuple[Path, Route]]) -> list[tuple[Path, Route]]:
    """The cheapest ways to each node, or for a leaf into each subgraph; equally cheap ones stay, up to a few."""
    groups: dict[Node | str, list[tuple[Path, Route]]] = {}
    for path, route in found:
        key = route.edge.tail or route.edge.head.subgraph
        group = groups.setdefault(key, [])
        cost = (path.cost + route.cost) // MOVE_COST
        best = (group[0][0].cost + group[0][1].cost) // MOVE_COST if group else cost
        if cost < best:
            group.clear()
        if cost <= best and len(group) < MAX_ALTERNATIVES:
            group.append((path, route))
    return [item for group in groups.values() for item in group]

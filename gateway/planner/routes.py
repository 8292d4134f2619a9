"""From an object to one of its fields: directly, or over entity calls to other subgraphs.

What is found depends on the federation graph alone, never on the operation, and is therefore kept for all operations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count

from gateway.planner.budget import Budget
from gateway.planner.hops import (
    CAST_COST,
    FIELD_COST,
    MOVE_COST,
    CastHop,
    FieldHop,
    Hop,
    MoveHop,
    RequiredLeaf,
    Requirement,
    Route,
)
from gateway.supergraph.federation_graph import FederationGraph, FieldEdge, Move, Node
from gateway.supergraph.field_set import FieldSet, FieldSetItem, merge_field_sets

MAX_ALTERNATIVES = 4

# A step of the budget is worth several of these.
_MOVES_A_STEP = 4

_Goal = tuple[Node, str, str | None]


@dataclass(slots=True)
class _Search:
    """The state of one search over the nodes of one object, cheapest first."""

    goal: _Goal
    heap: list[tuple[int, int, Node, tuple[Hop, ...]]]
    order: count[int] = field(default_factory=lambda: count(1))
    visited: set[Node] = field(default_factory=set)
    found: dict[str, list[Route]] = field(default_factory=dict)

    def push(self, cost: int, node: Node, hops: tuple[Hop, ...]) -> None:
        heappush(self.heap, (cost, next(self.order), node, hops))

    def record(self, route: Route) -> None:
        """Keep the cheapest routes to each subgraph."""
        known = self.found.setdefault(route.edge.head.subgraph, [])
        if not known or route.cost == known[0].cost:
            known.append(route)
        elif route.cost < known[0].cost:
            known[:] = [route]


class Routes:
    """Finds and keeps routes in one federation graph.

    A route to one field may need others, for keys and requirements, and those may need the first. All routes that hang
    together are therefore drafted together: from none at all, round by round, until no round finds a cheaper one. As every
    call costs something, no route can come to rest upon itself.
    """

    def __init__(self, graph: FederationGraph) -> None:
        self._graph = graph
        self._direct: dict[_Goal, Route | None] = {}
        self._reached: dict[_Goal, tuple[Route, ...]] = {}
        self._resolved: dict[tuple[Node, FieldSet], Requirement | None] = {}
        self._drafts: dict[_Goal, tuple[Route, ...]] = {}
        self._drafted: dict[tuple[Node, FieldSet], Requirement | None] = {}
        self._used_draft = False

    def direct(self, node: Node, name: str, on: str | None = None) -> Route | None:
        """The route to a field without leaving the subgraph; `on` asks for it on one concrete type only."""
        goal = (node, name, on)
        if goal not in self._direct:
            self._direct[goal] = self._find_direct(node, name, on)
        return self._direct[goal]

    def _find_direct(self, node: Node, name: str, on: str | None) -> Route | None:
        head = node if on is None else self._graph.cast(node, on)
        if head is None:
            return None
        edge = self._graph.field(head, name)
        if edge is None or edge.needs_call:
            return None
        if head is node:
            return Route((), edge, FIELD_COST)
        return Route((CastHop(head),), edge, CAST_COST + FIELD_COST)

    def reach(self, node: Node, name: str, budget: Budget, on: str | None = None) -> tuple[Route, ...]:
        """The cheapest routes to a field over entity calls, for each subgraph that answers it, cheapest first."""
        goal = (node, name, on)
        if goal in self._reached:
            return self._reached[goal]
        if self._drafts:
            self._used_draft = True
            return self._drafts.setdefault(goal, ())
        try:
            self._settle(goal, budget)
            self._reached.update(self._drafts)
        finally:
            self._drafts = {}
            self._drafted = {}
        return self._reached[goal]

    def requirement(self, node: Node, fields: FieldSet, budget: Budget) -> Requirement | None:
        """How to get all `fields` of an object at `node`; None if some cannot be had."""
        key = (node, fields)
        if key not in self._resolved:
            found = self._resolve(node, fields, budget)
            # Asked from outside of a draft, all that it rests on is settled.
            self._drafted = {}
            self._resolved[key] = found
        return self._resolved[key]

    def _settle(self, goal: _Goal, budget: Budget) -> None:
        """Draft the routes to a goal and to all it needs, until nothing changes any more."""
        self._drafts = {goal: ()}
        changed = True
        while changed:
            changed = False
            # What was asked for last is what the others need.
            for each in reversed(list(self._drafts)):
                known = len(self._drafts)
                routes = self._search(each, budget)
                if _is_cheaper(routes, self._drafts[each]):
                    changed = True
                    self._drafts[each] = routes
                    self._drafted = {}
                changed = changed or len(self._drafts) > known

    def _resolve(self, node: Node, fields: FieldSet, budget: Budget) -> Requirement | None:
        """How to get all `fields` of an object at `node`; None if some cannot be had."""
        key = (node, fields)
        if key in self._resolved:
            return self._resolved[key]
        if key in self._drafted:
            self._used_draft = True
            return self._drafted[key]
        outer, self._used_draft = self._used_draft, False
        requirement = self._resolve_all(node, fields, budget)
        (self._drafted if self._used_draft else self._resolved)[key] = requirement
        self._used_draft = self._used_draft or outer
        return requirement

    def _search(self, goal: _Goal, budget: Budget) -> tuple[Route, ...]:
        start, name, on = goal
        search = _Search(goal, [(0, 0, start, ())])
        while search.heap:
            cost, _, node, hops = heappop(search.heap)
            if node in search.visited:
                continue
            budget.spend()
            search.visited.add(node)
            # Where no call was made yet the subgraph may answer the field, but not all that is asked for below it.
            if any(isinstance(hop, MoveHop) for hop in hops):
                route = self.direct(node, name, on)
                if route is not None:
                    search.record(Route((*hops, *route.hops), route.edge, cost + route.cost))
                    if route.edge.tail is None:
                        continue
            self._expand(search, cost, node, hops, budget)
        routes = [route for group in search.found.values() for route in group[:MAX_ALTERNATIVES]]
        return tuple(sorted(routes, key=lambda route: (route.cost, route.edge.head.subgraph)))

    def _expand(self, search: _Search, cost: int, node: Node, hops: tuple[Hop, ...], budget: Budget) -> None:
        start, _, on = search.goal
        if on is not None:
            cast = self._graph.cast(node, on)
            if cast is not None and cast is not node:
                search.push(cost + CAST_COST, cast, (*hops, CastHop(cast)))
                # Whoever can tell the types apart goes on from the concrete type alone.
                return
        # Coming back makes sense only where the way has told of which type the object is.
        blind = on is not None and self._graph.is_interface_object(start)
        barred = {node.subgraph} if blind else {node.subgraph, start.subgraph}
        moves = (*self._graph.moves(node), *self._graph.entries(node))
        budget.spend(len(moves) // _MOVES_A_STEP)
        for move in moves:
            self._record_computed(search, cost, node, hops, move, budget)
            if move.tail.subgraph in barred or move.tail in search.visited:
                continue
            requirement = self._resolve(node, move.key, budget)
            if requirement is not None:
                step = cost + MOVE_COST + requirement.cost + _chain_cost(hops)
                search.push(step, move.tail, (*hops, MoveHop(move, (), requirement)))

    def _record_computed(
        self, search: _Search, cost: int, node: Node, hops: tuple[Hop, ...], move: Move, budget: Budget
    ) -> None:
        """Where the field has requirements in the subgraph moved to: the call brings them along with the key.

        Whether there is anything above the object for its context arguments, the way to it decides.
        """
        _, name, on = search.goal
        head = move.tail if on is None else self._graph.cast(move.tail, on)
        edge = self._graph.field(head, name) if head is not None else None
        if head is None or edge is None or not edge.needs_call:
            return
        requirement = self._resolve(node, merge_field_sets(move.key, edge.requires), budget)
        if requirement is not None:
            hop = MoveHop(move, edge.requires, requirement, edge.contexts)
            path = (*hops, hop) if head is move.tail else (*hops, hop, CastHop(head))
            total = cost + MOVE_COST + requirement.cost + FIELD_COST + _chain_cost(hops)
            search.record(Route(path, edge, total))

    def _resolve_all(self, node: Node, fields: FieldSet, budget: Budget) -> Requirement | None:
        leaves: list[RequiredLeaf] = []
        for item in fields:
            for on in self._targets(node, item):
                found = self._resolve_item(node, item, on, budget)
                if found is None:
                    return None
                leaves.extend(found.leaves)
        return Requirement(tuple(leaves), _shared_cost(leaves))

    def _targets(self, node: Node, item: FieldSetItem) -> Sequence[str | None]:
        """The concrete types on which a required field is needed at a node; None stands for all, whatever they are."""
        known = {node.concrete} if node.concrete else self._graph.members(node)
        wanted = known if item.on is None else known & self._graph.possible_types(item.on)
        everyone = item.on is None or (wanted == known and bool(known))
        if everyone and (not self._graph.is_abstract(node) or self._graph.field(node, item.name) is not None):
            return [None]
        return sorted(wanted)

    def _resolve_item(self, node: Node, item: FieldSetItem, on: str | None, budget: Budget) -> Requirement | None:
        best: list[tuple[Route, Requirement]] = []
        for route in self._candidates(node, item.name, on, budget):
            if best and route.cost > best[0][0].cost + best[0][1].cost:
                break
            below = self._below(route.edge, item, budget)
            if below is None:
                continue
            total = route.cost + below.cost
            if best and total > best[0][0].cost + best[0][1].cost:
                continue
            if best and total < best[0][0].cost + best[0][1].cost:
                best.clear()
            best.append((route, below))
        if not best:
            return None
        return Requirement(tuple(_leaves(best, item)), best[0][0].cost + best[0][1].cost)

    def _candidates(self, node: Node, name: str, on: str | None, budget: Budget) -> Iterator[Route]:
        budget.spend()
        direct = self.direct(node, name, on)
        if direct is not None:
            yield direct
        yield from self.reach(node, name, budget, on)

    def _below(self, edge: FieldEdge, item: FieldSetItem, budget: Budget) -> Requirement | None:
        if not item.selections:
            return Requirement()
        return self._resolve(edge.tail, item.selections, budget) if edge.tail else None


def _chain_cost(hops: tuple[Hop, ...]) -> int:
    """Of two equal ways the one is better that goes on from where the object was found, not from a detour."""
    return 1 if any(isinstance(hop, MoveHop) for hop in hops) else 0


def _is_cheaper(routes: tuple[Route, ...], known: tuple[Route, ...]) -> bool:
    """Whether new routes lead into some subgraph at less cost, or at any cost where none did."""
    costs = {route.edge.head.subgraph: route.cost for route in reversed(known)}
    return any(route.cost < costs.get(route.edge.head.subgraph, route.cost + 1) for route in routes)


def _shared_cost(leaves: Sequence[RequiredLeaf]) -> int:
    """What leaves cost together: calls that serve several of them count once."""
    seen: set[tuple[object, ...]] = set()
    cost = 0
    for leaf in leaves:
        prefix: tuple[object, ...] = ()
        for hop in leaf.alternatives[0]:
            match hop:
                case MoveHop():
                    prefix = (*prefix, hop.move, hop.requires)
                    own = MOVE_COST + hop.requirement.cost
                case FieldHop():
                    prefix = (*prefix, hop.edge, hop.arguments)
                    own = FIELD_COST
                case _:
                    prefix = (*prefix, hop.node)
                    own = CAST_COST
            if prefix not in seen:
                seen.add(prefix)
                cost += own
    return cost


def _leaves(best: list[tuple[Route, Requirement]], item: FieldSetItem) -> Iterator[RequiredLeaf]:
    """The leaves of one required field. Equally cheap ways stay open for a leaf; to a composite field one is taken."""
    if not item.selections:
        ways = [(*route.hops, FieldHop(route.edge, item.arguments)) for route, _ in best[:MAX_ALTERNATIVES]]
        yield RequiredLeaf(tuple(ways))
        return
    route, below = best[0]
    prefix = (*route.hops, FieldHop(route.edge, item.arguments))
    for leaf in below.leaves:
        yield RequiredLeaf(tuple((*prefix, *way) for way in leaf.alternatives))

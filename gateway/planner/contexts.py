"""Where a context argument is read: on the nearest object above that sets the context, which may depend on its type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gateway.planner.budget import Budget
from gateway.planner.hops import Requirement
from gateway.planner.routes import Routes
from gateway.supergraph.context_arguments import ContextArgument
from gateway.supergraph.federation_graph import FederationGraph, Node
from gateway.supergraph.field_set import FieldSet, FieldSetItem


@dataclass(frozen=True, slots=True)
class Offer:
    """One way to read an argument: on the object `level` places up, if it is of the type `on` (None: whatever it is).

    `start` is the position, among the nodes of that object, of the one to read from. Objects of some types may set a
    context and have nothing selected: then `requirement` has no leaves.
    """

    level: int
    start: int
    on: str | None
    requirement: Requirement


Known = Sequence[Node]
"""One object by the nodes that lead to it, from the one it is asked at for the field below back to where it was found."""


class Contexts:
    """Finds the sources of context arguments in one federation graph, for one operation."""

    def __init__(self, graph: FederationGraph, routes: Routes, budget: Budget) -> None:
        self._graph = graph
        self._routes = routes
        self._budget = budget

    def offers(self, argument: ContextArgument, enclosing: Sequence[Known]) -> list[Offer]:
        """The offers of the objects above a field, the nearest first. None of them: the argument cannot be had here."""
        carriers = self._graph.carriers(argument.context)
        found: list[Offer] = []
        for level, nodes in enumerate(enclosing):
            known = self._graph.members(nodes[0])
            for item, on in self._items(argument, nodes[0], known & carriers):
                offer = self._cheapest(level, nodes, on, (item,) if item else ())
                if offer is None:
                    return []
                found.append(offer)
            if known and known <= carriers:
                break
        return found

    def _cheapest(self, level: int, nodes: Known, on: str | None, fields: FieldSet) -> Offer | None:
        """The offer of the node that is nearest to what is selected; of equals that which had the object first."""
        best: Offer | None = None
        for start, node in enumerate(nodes):
            if self._graph.members(node) != self._graph.members(nodes[0]):
                break
            requirement = self._routes.requirement(node, fields, self._budget)
            if requirement is not None and (best is None or requirement.cost <= best.requirement.cost):
                best = Offer(level, start, on, requirement)
        return best

    def _items(
        self, argument: ContextArgument, node: Node, wanted: frozenset[str]
    ) -> Iterator[tuple[FieldSetItem | None, str | None]]:
        """What is selected of the objects at a node: the same of all, or type by type."""
        first = argument.selection[0]
        known = self._graph.members(node)
        if wanted and wanted == known and first.on is None and self._is_answered(node, first.name):
            yield first, None
            return
        for name in sorted(wanted):
            self._budget.spend()
            item = next((item for item in argument.selection if self._is_for(item, name)), None)
            # Where there is one type only, no subgraph need say so: it may know the interface alone.
            yield (replace(item, on=name) if item else None), (None if known == {name} else name)

    def _is_for(self, item: FieldSetItem, type_name: str) -> bool:
        return item.on is None or type_name in self._graph.possible_types(item.on)

    def _is_answered(self, node: Node, name: str) -> bool:
        """Whether the node's objects need not be told apart to read the field."""
        return not self._graph.is_abstract(node) or self._graph.field(node, name) is not None

"""The planner: from an operation in normal form to the plan of its requests."""

from __future__ import annotations

from gateway.errors import PlanError
from gateway.planner.budget import MAX_STEPS, Budget
from gateway.planner.contexts import Contexts
from gateway.planner.fetch_graph import FetchGraph
from gateway.planner.fetches import FetchPrinter
from gateway.planner.folding import fold
from gateway.planner.operation import Operation
from gateway.planner.optimize import optimize
from gateway.planner.paths import Walker
from gateway.planner.places import client_places
from gateway.planner.plan import QueryPlan
from gateway.planner.query_tree import QueryTree
from gateway.planner.routes import Routes
from gateway.supergraph.federation_graph import FederationGraph
from gateway.supergraph.sdl import Supergraph


class Planner:
    """Plans operations over one supergraph. It may serve many operations, in one thread; what it learns of routes it keeps."""

    def __init__(self, supergraph: Supergraph, *, max_steps: int = MAX_STEPS, max_seconds: float | None = None) -> None:
        self._supergraph = supergraph
        self._max_steps = max_steps
        self._max_seconds = max_seconds
        self._apart = frozenset(
            name
            for name, info in supergraph.types.items()
            if any(join.is_interface_object for join in info.joins.values())
        )
        self._graphs: dict[frozenset[str], tuple[FederationGraph, Routes]] = {}

    def budget(self) -> Budget:
        """What the work on one operation may take, from now on."""
        return Budget(self._max_steps, seconds=self._max_seconds)

    def plan(
        self, operation: Operation, *, override_labels: frozenset[str] = frozenset(), budget: Budget | None = None
    ) -> QueryPlan:
        """The plan of an operation under the active labels of `@override(label:)`.

        `budget` is what is left after normalising, a whole one without it. Raises PlanError: `OPERATION_UNPLANNABLE` where
        the subgraphs cannot answer a field, `PLAN_BUDGET_EXCEEDED` where planning takes more than it may.
        """
        budget = budget or self.budget()
        folded = fold(operation, budget, self._apart)
        try:
            return self._plan(folded, override_labels, budget)
        except PlanError as error:
            if folded is operation or error.code != "OPERATION_UNPLANNABLE":
                raise
        # What is asked of all types alike has to come from one subgraph; type by type there may still be a way.
        return self._plan(operation, override_labels, budget)

    def _plan(self, operation: Operation, labels: frozenset[str], budget: Budget) -> QueryPlan:
        graph, routes = self._graph(labels)
        leaves = Walker(graph, routes, budget).walk(operation)
        tree = QueryTree(graph, Contexts(graph, routes, budget), client_places(operation, graph), budget)
        tree.grow(leaves)
        taken = frozenset(node.variable.name.value for node in operation.variables)
        steps = FetchGraph(tree, graph, operation.kind, taken).steps
        requests = optimize(steps, budget)
        fetches = FetchPrinter(operation, budget).fetches(requests)
        return QueryPlan(operation.kind, fetches, budget.steps)

    def _graph(self, labels: frozenset[str]) -> tuple[FederationGraph, Routes]:
        if labels not in self._graphs:
            graph = FederationGraph(self._supergraph, labels)
            self._graphs[labels] = (graph, Routes(graph))
        return self._graphs[labels]

"""What the planner takes for large operations, and until it refuses those that are too large: normal form and plan."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from graphql import parse

from gateway.errors import PlanError
from gateway.planner.normalize import normalize
from gateway.planner.planner import Planner
from gateway.supergraph.api_schema import build_api_schema
from tests.fixtures.large_operations import ANIMALS, EVERY_PAIR, EVERY_TYPE, NODE, doubling, doubling_places
from tests.performance.gateway.cold import spread
from tests.unit.gateway.planner.planning import supergraph_of

_TIMES = 15

_OPERATIONS = {
    "fragments that double, n = 20": (NODE, doubling(20)),
    "70 implementations, a fragment each": (ANIMALS, EVERY_TYPE),
    "127 objects shareable in three subgraphs": (NODE, doubling_places(6)),
    "places that double, n = 30": (NODE, doubling_places(30)),
    "every pair of 70 types": (ANIMALS, EVERY_PAIR),
}


def planning_bounds() -> dict[str, dict[str, Any]]:
    """For each operation what came of it, and milliseconds by a planner that has planned nothing before."""
    return {name: _measured(types, document) for name, (types, document) in _OPERATIONS.items()}


def _measured(types: str, text: str) -> dict[str, Any]:
    supergraph = supergraph_of(types)
    schema, document = build_api_schema(supergraph), parse(text)
    outcome, taken = "", []
    for _ in range(_TIMES):
        planner = Planner(supergraph)
        started = perf_counter()
        try:
            budget = planner.budget()
            plan = planner.plan(normalize(schema, document, None, budget), budget=budget)
            outcome = f"planned in {plan.steps:,} steps, {len(plan.fetches)} requests"
        except PlanError as error:
            outcome = f"refused: {error.message}"
        taken.append((perf_counter() - started) * 1000)
    return {"outcome": outcome, "ms": spread(taken)}

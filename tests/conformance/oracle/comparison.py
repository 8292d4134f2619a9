"""Our plan of an operation beside the oracle's, and why ours may be the one with more requests."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import product
from statistics import mean
from typing import Any, Literal

from graphql import parse

from gateway.executor.projection import Projection
from gateway.planner.normalize import normalize
from gateway.planner.plan import QueryPlan
from gateway.planner.planner import Planner
from gateway.supergraph.api_schema import build_api_schema
from gateway.supergraph.sdl import parse_supergraph
from tests.conformance.differential.cases import Case
from tests.conformance.differential.world import Monolith, StrictSubgraph
from tests.conformance.oracle.oracle_plan import Node, Run, waits

Reason = Literal["its plan is wrong", "it makes requests wait", "it is better"]


def our_waits(plan: QueryPlan) -> list[int]:
    """For each request how many it has to wait for, one after the other."""
    found: dict[int, int] = {}
    for fetch in plan.fetches:
        found[fetch.id] = max((found[earlier] + 1 for earlier in fetch.after), default=0)
    return list(found.values())


class OurPlans:
    """Our plans over one supergraph."""

    def __init__(self, supergraph: str, labels: frozenset[str] = frozenset()) -> None:
        model = parse_supergraph(supergraph)
        self.schema = build_api_schema(model)
        self._planner = Planner(model)
        self._labels = labels

    def plan(self, document: str) -> QueryPlan:
        return self._planner.plan(normalize(self.schema, parse(document), None), override_labels=self._labels)

    def plan_deferring(self, document: str) -> QueryPlan:
        """The plan for a client that takes the answer in parts."""
        operation = normalize(self.schema, parse(document), None, deferring=frozenset())
        return self._planner.plan(operation, override_labels=self._labels)


class Comparison:
    """Compares the plans of one random federation. What the oracle's plans answer is seen by running them on its subgraphs."""

    def __init__(self, case: Case, ours: OurPlans) -> None:
        self._schema = ours.schema
        self._federation = case.federation
        # What a null hides shows where there are none.
        self._worlds = [
            (
                Monolith(case.federation, nulls=nulls),
                {
                    name: StrictSubgraph(case.federation, name, case.labels, nulls=nulls)
                    for name in case.federation.graphs
                },
            )
            for nulls in (True, False)
        ]

    def reason(self, document: str, variables: Mapping[str, object], ours: QueryPlan, theirs: Node | None) -> Reason:
        """Why the oracle's plan of an operation has fewer requests."""
        if not self.is_right(document, variables, theirs):
            return "its plan is wrong"
        # Each request of ours starts when its own inputs are there; to wait for others would save a request of a subgraph.
        return "it makes requests wait" if mean(our_waits(ours)) < mean(waits(theirs)) else "it is better"

    def is_right(self, document: str, variables: Mapping[str, object], plan: Node | None) -> bool:
        """Whether a plan gives the right answer, whatever its conditions are."""
        return all(
            self._answer(document, values, plan, subgraphs) == json.dumps(monolith.data(document, values))
            for monolith, subgraphs in self._worlds
            for values in _all_conditions(variables)
        )

    def _answer(
        self, document: str, variables: Mapping[str, object], plan: Node | None, subgraphs: Mapping[str, StrictSubgraph]
    ) -> str | None:
        def ask(subgraph: str, text: str, values: Mapping[str, Any]) -> Any:
            body = json.dumps({"query": text, "variables": values}).encode()
            return subgraphs[subgraph].answer(body)["data"]

        run = Run(ask, self._federation.possible_types, variables)
        try:
            run.run(plan)
        except AssertionError:
            # A subgraph was asked what it has no right to know, or what is not valid there.
            return None
        operation = normalize(self._schema, parse(document), None)
        data, errors = Projection(self._schema, operation).project(run.tree, variables, [])
        return None if errors else json.dumps(data)


def _all_conditions(variables: Mapping[str, object]) -> Iterator[dict[str, object]]:
    conditions = [name for name, value in variables.items() if isinstance(value, bool)]
    for values in product((True, False), repeat=len(conditions)):
        yield {**variables, **dict(zip(conditions, values, strict=True))}

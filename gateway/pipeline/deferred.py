"""What `@defer` makes of an operation, prepared for each set of the variables of `@defer(if:)` that are true.

Where these are few, all sets are prepared with the operation. Where they are many, one is prepared when it is first asked for:
`ServedGraph` keeps as many of those as it keeps operations, all operations together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from graphql import DocumentNode, GraphQLSchema, parse

from gateway.cache.policy import CacheRules, FetchPolicy
from gateway.errors import PlanError
from gateway.executor.incremental import IncrementalPlan
from gateway.pipeline.keys import PreparationKey, VariantKey
from gateway.pipeline.refusals import refusals_of
from gateway.planner.deferral import defer_variables
from gateway.planner.deferred_parts import DeferredPart, deferred_parts
from gateway.planner.normalize import normalize
from gateway.planner.plan import QueryPlan
from gateway.planner.planner import Planner
from gateway.security.authorization import Authorization

VARIABLES_AHEAD = 2
"""Up to so many variables of `@defer(if:)`, an operation is prepared for all sets of them before anybody asks."""
VARIABLES_AHEAD_LISTED = 4
"""The same for the operations of manifests, of which the first request pays nothing."""


@dataclass(frozen=True, slots=True)
class DeferredOperation:
    """An operation of which parts are put off, ready to run with any variables."""

    plan: QueryPlan
    parts: tuple[DeferredPart, ...]
    incremental: IncrementalPlan
    policies: Mapping[int, FetchPolicy]


@dataclass(frozen=True, slots=True)
class Variant:
    """What to run; without `operation` nothing is put off."""

    operation: DeferredOperation | None


@dataclass(frozen=True, slots=True)
class DeferredVariants:
    """What of an operation is put off, by the set of its `variables`, those of `@defer(if:)`, that are true.

    `prepared` are all of these, or None where each is prepared when it is asked for.
    """

    variables: frozenset[str]
    prepared: Mapping[frozenset[str], Variant] | None

    def active(self, values: Mapping[str, Any]) -> frozenset[str]:
        """The variables that are true."""
        return frozenset(name for name in self.variables if values.get(name) is True)


class DeferredPreparation:
    """Prepares what is put off, for one supergraph. Pure computation, on one thread at a time."""

    def __init__(
        self, schema: GraphQLSchema, planner: Planner, authorization: Authorization, cache_rules: CacheRules | None
    ) -> None:
        self._schema = schema
        self._planner = planner
        self._authorization = authorization
        self._cache_rules = cache_rules

    def variants(self, document: DocumentNode, key: PreparationKey, ahead: int) -> DeferredVariants | None:
        """What of an operation may be put off; None where nothing is, whatever its variables are.

        Up to `ahead` variables all sets of them are prepared at once.
        """
        variables = defer_variables(document)
        if variables is None:
            return None
        if len(variables) > ahead:
            return DeferredVariants(variables, None)
        chosen = (frozenset(some) for size in range(len(variables) + 1) for some in combinations(variables, size))
        prepared = {active: Variant(self._prepare(document, key, active)) for active in chosen}
        return DeferredVariants(variables, prepared) if any(each.operation for each in prepared.values()) else None

    def variant(self, key: VariantKey) -> Variant:
        """One variant of an operation that was prepared before."""
        document = parse(key.operation.text, allow_empty_selection_sets=False)
        return Variant(self._prepare(document, key.operation, key.active))

    def _prepare(self, document: DocumentNode, key: PreparationKey, active: frozenset[str]) -> DeferredOperation | None:
        budget = self._planner.budget()
        try:
            operation = normalize(self._schema, document, key.operation_name, budget, deferring=active)
            if operation.kind == "subscription":
                return None
            authorized = self._authorization.authorize(operation, key.grants)
            plan = self._planner.plan(authorized.planned, override_labels=key.labels, budget=budget)
        except PlanError:
            # Answered whole it could be planned.
            return None
        incremental = IncrementalPlan(self._schema, plan, authorized.projected, refusals_of(authorized, key.grants))
        if not incremental.places.deferrals:
            return None
        parts = deferred_parts(authorized.projected, plan)
        return DeferredOperation(plan, parts, incremental, self._cache_rules.of(plan) if self._cache_rules else {})

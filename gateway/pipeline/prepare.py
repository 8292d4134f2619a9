"""parse → limit → validate → normalise → authorise → plan: all that depends on the document alone, done once and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import DocumentNode, GraphQLError, GraphQLSchema, GraphQLSyntaxError, parse, validate

from gateway.cache.policy import CacheRules, FetchPolicy
from gateway.errors import PlanError, RequestRefused
from gateway.executor.compiled import CompiledPlan, compile_plan
from gateway.executor.projection import Projection
from gateway.pipeline.deferred import VARIABLES_AHEAD, DeferredPreparation, DeferredVariants, Variant
from gateway.pipeline.introspection import introspect, introspection_document
from gateway.pipeline.keys import PreparationKey, VariantKey
from gateway.pipeline.refusals import refusals_of
from gateway.planner.normalize import normalize
from gateway.planner.operation import Operation
from gateway.planner.plan import QueryPlan
from gateway.planner.planner import Planner
from gateway.security.access_rules import Grants
from gateway.security.authorization import Authorization
from gateway.security.cost import OperationCost
from gateway.security.cost_estimate import CostEstimator
from gateway.security.introspection import IntrospectionConfig, validation_rules
from gateway.security.limits import DocumentSize, LimitsConfig, check_document, check_text
from gateway.telemetry.operations import UNLISTED, OperationMeter

MAX_REPORTED = 5
LONGEST_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class PreparedOperation:
    """An operation that is ready to run with any variables. `root_fields` has one name for each field asked for.

    `relevant` are the grants that decide what of the operation is refused, whoever asks. `introspected` is the answer to
    `introspection` where no variable can change it: a page of the explorer costs 20 ms once.
    """

    operation: Operation
    plan: QueryPlan
    compiled: CompiledPlan
    projection: Projection
    introspection: DocumentNode | None
    introspected: Mapping[str, Any] | None
    root_fields: tuple[str, ...]
    relevant: Grants = frozenset()
    cost: OperationCost | None = None
    size: DocumentSize = DocumentSize()
    policies: Mapping[int, FetchPolicy] = field(default_factory=dict)
    """By fetch: what of it may be cached."""
    deferred: DeferredVariants | None = None
    meter: OperationMeter = UNLISTED


class Preparation:
    """Prepares documents for one supergraph. Pure computation, on one thread at a time."""

    def __init__(
        self,
        schema: GraphQLSchema,
        planner: Planner,
        authorization: Authorization,
        limits: LimitsConfig,
        introspection: IntrospectionConfig,
        *,
        estimator: CostEstimator | None = None,
        cache_rules: CacheRules | None = None,
        incremental: bool = False,
    ) -> None:
        self._schema = schema
        self._authorization = authorization
        self._estimator = estimator
        self._cache_rules = cache_rules
        self._planner = planner
        self._deferred = DeferredPreparation(schema, planner, authorization, cache_rules) if incremental else None
        self._limits = limits
        self._rules = validation_rules(introspection)
        self._hide_suggestions = not introspection.suggestions

    def prepare(self, key: PreparationKey, *, ahead: int = VARIABLES_AHEAD) -> PreparedOperation:
        """Up to `ahead` variables of `@defer(if:)`, all that they may change is prepared too. Raises RequestRefused."""
        tokens = check_text(key.text, self._limits)
        document = _parse(key.text)
        size = check_document(document, self._limits, tokens)
        cost = self._estimator.estimate(document, key.operation_name) if self._estimator else None
        if cost is not None:
            cost.check()
        self._validate(document)
        try:
            budget = self._planner.budget()
            operation = normalize(self._schema, document, key.operation_name, budget)
            authorized = self._authorization.authorize(operation, key.grants)
            plan = self._planner.plan(authorized.planned, override_labels=key.labels, budget=budget)
        except PlanError as error:
            raise RequestRefused(error.code, error.message, well_formed=True) from error
        compiled = compile_plan(plan)
        refusals = refusals_of(authorized, key.grants)
        introspection = introspection_document(operation)
        fixed = introspection is not None and not operation.variables
        return PreparedOperation(
            operation=operation,
            plan=plan,
            compiled=compiled,
            projection=Projection(self._schema, authorized.projected, refusals, compiled.shared_places),
            introspection=introspection,
            introspected=introspect(self._schema, introspection, {}) if introspection and fixed else None,
            root_fields=tuple(selection.name for selection in operation.selections),
            relevant=self._authorization.relevant(operation),
            cost=cost,
            size=size,
            policies=self._cache_rules.of(plan) if self._cache_rules else {},
            deferred=self._deferred.variants(document, key, ahead) if self._deferred and "defer" in key.text else None,
        )

    def prepare_variant(self, key: VariantKey) -> Variant:
        """What is put off of a prepared operation where certain variables are true."""
        assert self._deferred is not None
        return self._deferred.variant(key)

    def _validate(self, document: DocumentNode) -> None:
        errors = validate(
            self._schema,
            document,
            self._rules,
            max_errors=MAX_REPORTED,
            hide_suggestions=self._hide_suggestions,
            allow_empty_selection_sets=False,
        )
        if errors:
            raise _document_refusal("GRAPHQL_VALIDATION_FAILED", errors)


def _parse(text: str) -> DocumentNode:
    try:
        return parse(text, allow_empty_selection_sets=False)
    except GraphQLSyntaxError as error:
        raise _document_refusal("GRAPHQL_PARSE_FAILED", [error]) from error
    except RecursionError as error:
        raise RequestRefused("DEPTH_LIMIT_EXCEEDED", "The document is nested too deeply.") from error


def _document_refusal(code: str, errors: Sequence[GraphQLError]) -> RequestRefused:
    return RequestRefused(
        code, errors[0].message, well_formed=True, entries=tuple(_entry(error, code) for error in errors)
    )


def _entry(error: GraphQLError, code: str) -> dict[str, Any]:
    # What is quoted of the document is the client's own, but as much of it as it likes.
    entry: dict[str, Any] = {"message": error.message[:LONGEST_MESSAGE]}
    if error.locations:
        entry["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    entry["extensions"] = {"code": code}
    return entry

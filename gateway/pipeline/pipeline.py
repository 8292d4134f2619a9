"""A request: identify → persisted → parse → limit → validate → normalise → authorise → plan → coerce → execute → project."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from gateway.cache.session import CacheSession
from gateway.errors import RequestRefused
from gateway.executor.execution import Execution
from gateway.executor.incremental import IncrementalExecution
from gateway.executor.trace import RunTrace
from gateway.executor.variables import VariablesInvalid, coerce_variables
from gateway.persisted.policy import not_supported
from gateway.persisted.store import Manifests
from gateway.pipeline.caching import Caching, max_ages
from gateway.pipeline.deferred import DeferredOperation
from gateway.pipeline.explain import plan_extension
from gateway.pipeline.graph import ServedGraph
from gateway.pipeline.identify import Identification, Identity
from gateway.pipeline.incremental import IncrementalConfig, IncrementalResponses, first_payload
from gateway.pipeline.introspection import introspect
from gateway.pipeline.keys import PreparationKey
from gateway.pipeline.persisted import PersistedOperations
from gateway.pipeline.prepare import PreparedOperation
from gateway.pipeline.request import GraphQLRequest, GraphQLResponse, refused
from gateway.pipeline.subscriptions import SHUTTING_DOWN, SUPERGRAPH_CHANGED, ResponseStream, Subscriptions
from gateway.security.access_rules import Grants
from gateway.security.authorization import AuthorizationConfig, grants_of
from gateway.security.introspection import IntrospectionConfig, check_introspection
from gateway.security.rate_limit import RateLimiter, SharedRates
from gateway.telemetry.metrics import PREPARED, REFUSALS
from gateway.telemetry.spans import Spans

logger = logging.getLogger(__name__)

NO_GRANTS: Grants = frozenset()
QUERY_PLAN_HEADER = "x-query-plan"
QUERY_COST_HEADER = "x-query-cost"

_MISS = PREPARED.labels("miss")


class PipelineConfig(BaseModel):
    """`operations_kept` bounds the cache of prepared operations, and apart from it that of the ways to defer them.

    `expose_query_plan` allows the header `x-query-plan: 1`. Planning is bounded in steps, and by `planning_seconds` for a
    machine that has no time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    operations_kept: int = Field(default=2000, ge=1)
    planning_seconds: float = Field(default=1.0, gt=0)
    expose_query_plan: bool = False
    override_labels: tuple[str, ...] = ()


class Pipeline:
    """Answers requests over one supergraph at a time. Call `close` when done."""

    def __init__(
        self,
        config: PipelineConfig,
        graph: ServedGraph,
        *,
        identification: Identification,
        authorization: AuthorizationConfig,
        rate_limiter: RateLimiter,
        subscriptions: Subscriptions,
        persisted: PersistedOperations | None = None,
        caching: Caching | None = None,
        shared_rates: SharedRates | None = None,
        introspection: IntrospectionConfig | None = None,
        exposes_cost: bool = False,
        incremental: IncrementalConfig | None = None,
        spans: Spans | None = None,
    ) -> None:
        self._spans = spans
        self._incremental = incremental or IncrementalConfig()
        self._graph = graph
        self._identification = identification
        self._authorization = authorization
        self._rate_limiter = rate_limiter
        self._shared_rates = shared_rates
        self._introspection = introspection or IntrospectionConfig()
        self._persisted = persisted
        # The graph and the manifests may change at once; what is known of both has to fit both.
        self._changing = asyncio.Lock()
        self._subscriptions = subscriptions
        self._caching = caching
        self._exposes_plan = config.expose_query_plan
        self._exposes = config.expose_query_plan or exposes_cost
        # One thread: the planner keeps what it learns and is not made for several at once.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prepare")

    async def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        await self._identification.close()
        if self._persisted is not None:
            await self._persisted.close()
        if self._shared_rates is not None:
            await self._shared_rates.close()

    async def replace(self, build: Callable[[], ServedGraph]) -> int:
        """Serve another graph from now on; requests under way end on the old one. Whatever `build` raises leaves it serving.

        Gives how many of the operations kept were prepared for the new graph before it was put in place.
        """
        async with self._changing:
            graph = await asyncio.get_running_loop().run_in_executor(self._thread, build)
            if self._persisted is not None:
                await self._persisted.prepare_for(graph, self._thread)
            warmed = await graph.warm(self._graph.keys(), self._thread)
            self._graph, old = graph, self._graph
        old.sources.end(SUPERGRAPH_CHANGED)
        return warmed

    async def replace_manifests(self, manifests: Manifests) -> None:
        """Have other manifests in force from now on, once their operations are prepared for the graph that is served."""
        async with self._changing:
            if self._persisted is not None:
                await self._persisted.replace(manifests, self._graph, self._thread)

    def end_subscriptions(self) -> None:
        """End all subscriptions, since the server is about to stop. None is opened from now on."""
        self._graph.sources.end(SHUTTING_DOWN)

    def passes_nothing_of(self, headers: Mapping[str, str]) -> bool:
        """Whether it is plain that no subgraph gets anything of these headers."""
        return self._identification.passes_nothing_of(headers)

    async def check_credentials(self, headers: Mapping[str, str], client: str) -> None:
        """Raises RequestRefused where a connection may not be opened with these headers."""
        await self._identification.identify(headers, client)

    async def answer(self, request: GraphQLRequest) -> GraphQLResponse:
        """The response to a request; a bug becomes a masked error with nothing of it but an entry in the log."""
        try:
            # One function and not several: each coroutine on the way of a request would cost as much as what it does.
            identity = self._identification.recognise(
                request.headers, request.client, request.story, request.passes_nothing
            )
            if identity is None:
                identity = await self._identification.find(request.headers, request.client)
            text = request.query
            if self._persisted is not None:
                text = await self._persisted.admit(request, identity.partner)
            elif not text:
                _refuse_reference(request)
            graph = self._graph
            key = self._key(graph, text, request, identity)
            prepared = graph.find(key) or await self._prepare(graph, key, request, identity)
            request.meter = prepared.meter
            self._check(request, prepared, identity)
            if self._shared_rates is not None:
                await self._shared_rates.admit(request.client, identity.caller, prepared.root_fields)
            variables = _coerce(graph, prepared, request.variables) if prepared.operation.variables else {}
            cost = None if prepared.cost is None else prepared.cost.admit(variables)
            if request.budget is not None:
                request.budget.charge(prepared.size, cost)
            if prepared.operation.kind == "subscription":
                self._subscriptions.check(request)
                # Where all of it is refused there is nothing to wait for: the plan is empty, and so is the answer.
                if prepared.compiled.fetches:
                    return GraphQLResponse({}, events=self._open(graph, prepared, variables, request, identity))
            if (
                request.incremental is not None
                and prepared.deferred is not None
                and (deferred := await graph.defer(key, prepared, variables, self._thread)) is not None
            ):
                return await self._answer_in_parts(graph, prepared, deferred, variables, request, identity, cost=cost)
            session = self._caching.session(request.headers, identity, prepared.policies) if self._caching else None
            trace = _trace(request) if self._exposes_plan else None
            execution = Execution(identity.tracing, session, trace)
            await graph.executor.execute(execution, prepared.compiled, variables, identity.headers_for)
            payload = _payload(graph, prepared, variables, execution)
            if self._exposes:
                _expose(payload, prepared, _told_of_plan(prepared, trace), cost, request.headers)
            headers = () if execution.answers is None else graph.executor.client_headers(execution)
            response = GraphQLResponse(payload, None, headers)
            if self._persisted is not None or session is not None:
                self._mark_public(response, prepared, text, request, identity, session)
        except RequestRefused as refusal:
            REFUSALS.labels(refusal.code).inc()
            request.meter.refused.inc()
            self._note_refusal(refusal.code, refusal.status)
            return refused(refusal)
        except Exception:
            logger.exception("a request failed")
            request.meter.failed.inc()
            self._note_refusal("INTERNAL_SERVER_ERROR", 500)
            return refused(RequestRefused("INTERNAL_SERVER_ERROR", "Something went wrong.", status=500))
        answer = response.payload
        (request.meter.of(answer["errors"]) if "errors" in answer else request.meter.ok).value += 1
        return response

    def _note_refusal(self, code: str, status: int) -> None:
        if self._spans is not None:
            self._spans.refuse(code, status)

    def _key(self, graph: ServedGraph, text: str, request: GraphQLRequest, identity: Identity) -> PreparationKey:
        """What to look the operation up by; made once a request, since it draws. Raises RequestRefused for a caller that asks
        too often."""
        if self._rate_limiter.is_on:
            self._rate_limiter.admit_caller(identity.caller)
        grants = grants_of(identity.token, self._authorization) if graph.grants else NO_GRANTS
        return graph.key(text, request.operation_name, grants)

    async def _prepare(
        self, graph: ServedGraph, key: PreparationKey, request: GraphQLRequest, identity: Identity
    ) -> PreparedOperation:
        _MISS.inc()
        try:
            if self._spans is None:
                return await graph.prepare(key, self._thread)
            with self._spans.preparing():
                return await graph.prepare(key, self._thread)
        except RequestRefused:
            # Whoever sends what cannot be run has asked all the same.
            if self._shared_rates is not None:
                await self._shared_rates.admit(request.client, identity.caller, ())
            raise

    def _check(self, request: GraphQLRequest, prepared: PreparedOperation, identity: Identity) -> None:
        """Raises RequestRefused where the operation may not be run so, by this client, or so often."""
        if self._spans is not None:
            self._spans.describe(prepared.operation.kind, prepared.operation.name)
        if request.read_only and prepared.operation.kind == "mutation":
            raise RequestRefused("METHOD_NOT_ALLOWED", "Mutations are sent by POST.", status=405)
        if prepared.introspection is not None:
            check_introspection(self._introspection, identity.token.claims if identity.token else None)
        if self._rate_limiter.is_on:
            self._rate_limiter.admit_root_fields(request.client, prepared.root_fields)

    def _mark_public(
        self,
        response: GraphQLResponse,
        prepared: PreparedOperation,
        text: str,
        request: GraphQLRequest,
        identity: Identity,
        session: CacheSession | None,
    ) -> None:
        """Say how long anybody may keep an answer. One with errors, extensions or a subgraph's header lines (a cookie) is for
        this client and this moment, and one of introspection is not what subgraphs said."""
        if len(response.payload) != 1 or response.headers:
            return
        if self._persisted is not None and request.read_only and identity.token is None:
            response.max_age = self._persisted.max_age(text)
        if session is not None and prepared.introspection is None:
            response.freshness = session.freshness

    async def _answer_in_parts(
        self,
        graph: ServedGraph,
        prepared: PreparedOperation,
        deferred: DeferredOperation,
        variables: Mapping[str, Any],
        request: GraphQLRequest,
        identity: Identity,
        *,
        cost: int | None,
    ) -> GraphQLResponse:
        assert request.incremental is not None
        session = self._caching.session(request.headers, identity, deferred.policies) if self._caching else None
        trace = _trace(request) if self._exposes_plan else None
        running = IncrementalExecution(
            graph.executor,
            deferred.incremental,
            variables,
            identity.headers_for,
            identity.tracing,
            cache=session,
            trace=trace,
            tree=_introspected(graph, prepared, variables),
            most=self._incremental.max_pending,
        )
        try:
            data, errors, delivery = await running.first()
            if delivery is None:
                await running.whole()
                payload = _payload(graph, prepared, variables, running.execution)
            else:
                payload = first_payload(data, errors, delivery, request.incremental)
        except BaseException:
            await running.close()
            raise
        if self._exposes:
            _expose(payload, prepared, _told_of_plan(deferred, trace), cost, request.headers)
        (request.meter.of(payload["errors"]) if "errors" in payload else request.meter.ok).value += 1
        headers = graph.executor.client_headers(running.execution)
        if delivery is None or not delivery.has_next:
            await running.close()
            return GraphQLResponse(payload, headers=headers)
        last = None if trace is None else lambda: _told_of_plan(deferred, trace)
        events = IncrementalResponses(running, request.incremental, payload, last)
        response = GraphQLResponse(payload, headers=headers, events=events)
        response.incremental = True
        return response

    def _open(
        self,
        graph: ServedGraph,
        prepared: PreparedOperation,
        variables: Mapping[str, Any],
        request: GraphQLRequest,
        identity: Identity,
    ) -> ResponseStream:
        async def respond(identity: Identity, event: bytes) -> GraphQLResponse:
            trace = _trace(request) if self._exposes_plan else None
            execution = Execution(identity.tracing, None, trace)
            await graph.executor.execute_event(execution, prepared.compiled, event, variables, identity.headers_for)
            payload = _payload(graph, prepared, variables, execution)
            if trace is not None:
                payload["extensions"] = {"queryPlan": plan_extension(prepared.plan, trace)}
            return GraphQLResponse(payload)

        source = prepared.compiled.fetches[0]
        return self._subscriptions.open(graph.sources, source, variables, request, identity, respond)


def _trace(request: GraphQLRequest) -> RunTrace | None:
    """What notes a run whose client wants to see the plan."""
    return RunTrace() if request.headers.get(QUERY_PLAN_HEADER) == "1" else None


def _told_of_plan(planned: PreparedOperation | DeferredOperation, trace: RunTrace | None) -> dict[str, Any]:
    """The plan and what it took so far, for who wants to see it."""
    if trace is None:
        return {}
    parts = planned.parts if isinstance(planned, DeferredOperation) else ()
    return {"queryPlan": plan_extension(planned.plan, trace, parts) | max_ages(planned.policies)}


def _expose(
    payload: dict[str, Any],
    prepared: PreparedOperation,
    told: dict[str, Any],
    cost: int | None,
    headers: Mapping[str, str],
) -> None:
    """What a client that asks for it is told about its request, `told` among it."""
    if cost is not None and prepared.cost and prepared.cost.config.expose and headers.get(QUERY_COST_HEADER) == "1":
        told["cost"] = prepared.cost.extension(cost)
    if told:
        payload["extensions"] = told


def _refuse_reference(request: GraphQLRequest) -> None:
    """Raises RequestRefused for a request that names its operation where none has a name."""
    if request.reference is not None:
        raise not_supported()


def _coerce(graph: ServedGraph, prepared: PreparedOperation, values: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return coerce_variables(graph.schema, prepared.operation.variables, values)
    except VariablesInvalid as error:
        entries: tuple[dict[str, object], ...] = tuple(
            {"message": text, "extensions": {"code": error.code}} for text in error.messages
        )
        raise RequestRefused(error.code, error.message, well_formed=True, entries=entries) from error


def _introspected(graph: ServedGraph, prepared: PreparedOperation, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    if prepared.introspected is not None or prepared.introspection is None:
        return prepared.introspected or {}
    return introspect(graph.schema, prepared.introspection, variables)


def _payload(
    graph: ServedGraph, prepared: PreparedOperation, variables: Mapping[str, Any], execution: Execution
) -> dict[str, Any]:
    if prepared.introspection is not None:
        execution.tree.update(_introspected(graph, prepared, variables))
    data, found = prepared.projection.project(execution.tree, variables, execution.errors)
    if not execution.errors and not found:
        return {"data": data}
    # Errors stand first, so that nobody reads a page of data before noticing them.
    return {"errors": [error.formatted() for error in (*execution.errors, *found)], "data": data}

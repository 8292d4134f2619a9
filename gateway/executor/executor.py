"""Runs a query plan: every fetch starts as soon as the fetches it depends on are merged, with no waves in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import perf_counter
from typing import Any

import orjson

from gateway.cache.lookup import Lookup
from gateway.cache.session import CacheSession
from gateway.executor.cached_fetch import known, look_up, unknown
from gateway.executor.compiled import CompiledFetch, CompiledPlan
from gateway.executor.contexts import ContextCalls, GroupedCall
from gateway.executor.entity_loader import EntityBatch, empty_batch, merge_entities, rename_results, request_body
from gateway.executor.entity_memory import EntityMemory
from gateway.executor.execution import Execution, HeadersFor, Run, covers_of
from gateway.executor.header_rules import ResponseHeaders
from gateway.executor.merge import Tree, copy_tree, merge
from gateway.executor.rewrites import apply_renames, objects_at
from gateway.executor.subgraph_caller import UNAVAILABLE_STATUSES, SubgraphCaller
from gateway.executor.subgraph_client import Endpoint, HttpAnswer, SubgraphClient, TransportError, TransportFault
from gateway.executor.subgraph_errors import (
    FAILED,
    UNAVAILABLE,
    ErrorRewriter,
    SubgraphErrorsConfig,
    failed,
    unavailable,
)
from gateway.executor.traffic import Traffic
from gateway.executor.variables import holds, used
from gateway.telemetry.metrics import SubgraphMeter
from gateway.telemetry.spans import Spans, mark


class Executor:
    """Executes plans against subgraphs. `concrete_types` are the names of the supergraph's object types."""

    def __init__(
        self,
        client: SubgraphClient,
        urls: Mapping[str, str],
        *,
        concrete_types: frozenset[str],
        errors: SubgraphErrorsConfig | None = None,
        spans: Spans | None = None,
        traffic: Traffic | None = None,
        response_headers: ResponseHeaders | None = None,
    ) -> None:
        traffic = traffic or Traffic.plain()
        self._response_headers = back = response_headers or ResponseHeaders()
        self._concerned = frozenset(name for name in urls if back.concerns(name))
        headers = {"content-type": "application/json", "accept": "application/graphql-response+json, application/json"}
        self._callers = {
            # An answer whose cookies go to a client is that client's alone.
            name: SubgraphCaller(
                client,
                _endpoint(name, url, headers, traffic),
                traffic.of(name),
                share=not back.passes_cookies(name),
            )
            for name, url in urls.items()
        }
        self._meters = {name: SubgraphMeter(name) for name in urls}
        self._concrete = concrete_types
        self._errors = errors or SubgraphErrorsConfig()
        self._spans = spans or Spans()

    def execute(
        self,
        execution: Execution,
        plan: CompiledPlan,
        variables: Mapping[str, Any],
        headers: HeadersFor,
        landed: Callable[[int], None] | None = None,
    ) -> Awaitable[object]:
        """Run all fetches of a plan. Failures of subgraphs become errors of the execution; what is raised is a bug.

        `landed` is told the position of each fetch as soon as it is merged.
        """
        # No coroutine of its own: one request is most of what is asked.
        recording = self._spans.is_on and self._spans.recording
        if plan.is_one_request and execution.cache is None and landed is None and not recording:
            return self._request(plan.fetches[0], execution, (), variables, headers)
        return self._run_all(plan, execution, variables, headers, landed)

    async def execute_event(
        self,
        execution: Execution,
        plan: CompiledPlan,
        event: bytes,
        variables: Mapping[str, Any],
        headers: HeadersFor,
    ) -> None:
        """Run a subscription's plan for what came from its source stream: the answer to the first fetch."""
        self._take(plan.fetches[0], execution, (), HttpAnswer(200, (), event))
        run = Run(plan, execution, variables, headers, list(plan.waits))
        async with asyncio.TaskGroup() as tasks:
            for dependent in plan.fetches[0].dependents:
                run.waiting[dependent] -= 1
                if not run.waiting[dependent]:
                    tasks.create_task(self._follow(run, dependent, tasks))

    def client_headers(self, execution: Execution) -> Sequence[tuple[str, str]]:
        """The header lines for the client, by the answers that there are."""
        # In the order of the plan, whoever was first to answer.
        answers = sorted(execution.answers or (), key=lambda answer: answer[0])
        return self._response_headers.of((subgraph, lines) for _, subgraph, lines in answers)

    async def _run_all(
        self,
        plan: CompiledPlan,
        execution: Execution,
        variables: Mapping[str, Any],
        headers: HeadersFor,
        landed: Callable[[int], None] | None,
    ) -> None:
        if not plan.fetches:
            return
        run = Run(plan, execution, variables, headers, list(plan.waits), landed)
        first, *others = [index for index, count in enumerate(plan.waits) if not count]
        async with asyncio.TaskGroup() as tasks:
            for index in others:
                tasks.create_task(self._follow(run, index, tasks))
            await self._follow(run, first, tasks)

    # No closure: a function that knows itself would keep the response tree until the collector comes.
    async def _follow(self, run: Run, index: int, tasks: asyncio.TaskGroup) -> None:
        """Run a fetch and those that need no other any more: the first of them goes on here, only a fork needs a task."""
        following: int | None = index
        while following is not None:
            compiled = run.plan.fetches[following]
            await self._run_fetch(compiled, run.execution, run.variables, run.headers)
            if run.landed is not None:
                run.landed(following)
            following = None
            for dependent in compiled.dependents:
                run.waiting[dependent] -= 1
                if run.waiting[dependent]:
                    continue
                if following is None:
                    following = dependent
                else:
                    tasks.create_task(self._follow(run, dependent, tasks))

    async def _run_fetch(
        self, compiled: CompiledFetch, execution: Execution, variables: Mapping[str, Any], headers: HeadersFor
    ) -> None:
        fetch = compiled.fetch
        if fetch.condition is not None and not holds(fetch.condition, variables):
            return
        if not compiled.targets:
            if not fetch.path or objects_at(execution.tree, fetch.path):
                await self._send(compiled, execution, (), variables, headers)
            return
        if compiled.contexts is not None:
            await self._run_groups(compiled, compiled.contexts, execution, variables, headers)
            return
        batches = [
            execution.collect(target)
            if target.condition is None or holds(target.condition, variables)
            else empty_batch(target.target)
            for target in compiled.targets
        ]
        if compiled.shares:
            await self._run_shared(compiled, execution, batches, variables, headers)
        elif any(batch.representations for batch in batches):
            await self._send(compiled, execution, batches, variables, headers)

    async def _run_shared(
        self,
        compiled: CompiledFetch,
        execution: Execution,
        batches: Sequence[EntityBatch],
        variables: Mapping[str, Any],
        headers: HeadersFor,
    ) -> None:
        """Send what no other fetch has asked yet, and wait for what others ask."""
        if execution.memory is None:
            execution.memory = EntityMemory(self._concrete)
        flight, batches = execution.memory.sort_out(compiled.targets, batches)
        execution.structure += flight.grew
        try:
            if any(batch.representations for batch in batches):
                await self._send(compiled, execution, batches, variables, headers)
        finally:
            execution.memory.land(flight)
        for landed in flight.waits_for:
            await landed

    async def _run_groups(
        self,
        compiled: CompiledFetch,
        contexts: ContextCalls,
        execution: Execution,
        variables: Mapping[str, Any],
        headers: HeadersFor,
    ) -> None:
        """Run an entity fetch whose entities differ in what their surroundings bring along."""
        calls, errors = contexts.read(execution.tree, variables)
        execution.errors += errors
        async with asyncio.TaskGroup() as tasks:
            for call in calls:
                values = {**variables, **call.values}
                tasks.create_task(self._send_group(compiled.regrouped(call), execution, call, values, headers))
        if len(calls) > 1:
            # What befell several of them alike has one cause.
            once = {
                (error.code, error.message, error.path, frozenset(error.covers)): error for error in execution.errors
            }
            execution.errors[:] = once.values()

    async def _send_group(
        self,
        compiled: CompiledFetch,
        execution: Execution,
        call: GroupedCall,
        variables: Mapping[str, Any],
        headers: HeadersFor,
    ) -> None:
        await self._send(compiled, execution, call.batches, variables, headers)

    def _send(
        self,
        compiled: CompiledFetch,
        execution: Execution,
        batches: Sequence[EntityBatch],
        variables: Mapping[str, Any],
        headers: HeadersFor,
    ) -> Awaitable[object]:
        # Nothing is awaited here: every coroutine that a request passes through costs, and there are many requests.
        if execution.cache is not None:
            return self._send_unknown(compiled, execution, execution.cache, batches, variables, headers)
        if self._spans.recording:
            return self._request_in_span(compiled, execution, batches, variables, headers)
        return self._request(compiled, execution, batches, variables, headers)

    async def _send_unknown(
        self,
        compiled: CompiledFetch,
        execution: Execution,
        cache: CacheSession,
        batches: Sequence[EntityBatch],
        variables: Mapping[str, Any],
        headers: HeadersFor,
    ) -> None:
        """Send what the cache does not know, and have it keep the answer."""
        lookup = await look_up(cache, compiled.fetch, batches, variables)
        if lookup is not None and lookup.has_some:
            self._merge(compiled, execution, *known(lookup, batches))
            batches = unknown(lookup, batches)
            if lookup.is_whole:
                if execution.trace is not None:
                    execution.trace.known(compiled.fetch.id, lookup)
                return
        request = self._request_in_span if self._spans.recording else self._request
        await request(compiled, execution, batches, variables, headers, lookup)

    async def _request_in_span(
        self,
        compiled: CompiledFetch,
        execution: Execution,
        batches: Sequence[EntityBatch],
        variables: Mapping[str, Any],
        headers: HeadersFor,
        lookup: Lookup | None = None,
    ) -> None:
        with self._spans.subgraph_request(compiled.fetch.subgraph) as (span, lines):
            mark(span, await self._request(compiled, execution, batches, variables, headers, lookup, lines))

    async def _request(
        self,
        compiled: CompiledFetch,
        execution: Execution,
        batches: Sequence[EntityBatch],
        variables: Mapping[str, Any],
        headers: HeadersFor,
        lookup: Lookup | None = None,
        trace: bytes = b"",
    ) -> str:
        """Send one request and take its answer in; gives the outcome by its name in the metrics."""
        fetch = compiled.fetch
        body = compiled.body or request_body(compiled.body_prefix, used(fetch.variables, variables), batches)
        caller, lines = self._callers[fetch.subgraph], headers(fetch.subgraph)
        started = perf_counter()
        try:
            answer = await caller.call(body, lines, execution.tracing + trace, fetch.kind == "query")
        except TransportError as error:
            execution.errors.append(unavailable(fetch, error, covers_of(compiled, batches)))
            outcome = "left_alone" if error.fault is TransportFault.CIRCUIT_OPEN else "unavailable"
        else:
            if lookup is not None and execution.cache is not None:
                execution.cache.keep(lookup, answer.body)
            if fetch.subgraph in self._concerned:
                execution.answers = execution.answers or []
                execution.answers.append((fetch.id, fetch.subgraph, answer.lines))
            outcome = "ok" if self._take(compiled, execution, batches, answer) else "failed"
        meter = self._meters[fetch.subgraph]
        meter.outcomes[outcome].value += 1
        meter.seconds.observe(perf_counter() - started)
        if execution.trace is not None:
            execution.trace.asked(fetch.id, started, outcome, batches, lookup)
        return outcome

    def _take(
        self, compiled: CompiledFetch, execution: Execution, batches: Sequence[EntityBatch], answer: HttpAnswer
    ) -> bool:
        """Merge an answer's data and keep its errors. False if it was not a GraphQL response."""
        fetch = compiled.fetch
        try:
            payload = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            payload = None
        if payload.__class__ is dict and payload.get("data").__class__ is dict and "errors" not in payload:
            if compiled.is_plain_root and not execution.tree:
                # The first answer is the tree.
                execution.tree = payload["data"]
                execution.structure += 1
                return True
            return self._fits(compiled, execution, batches, payload["data"])
        if not isinstance(payload, dict) or not ("data" in payload or payload.get("errors")):
            code = UNAVAILABLE if answer.status in UNAVAILABLE_STATUSES else FAILED
            detail = f"status {answer.status}, no GraphQL response"
            execution.errors.append(failed(fetch, detail, covers_of(compiled, batches), code=code))
            return False
        errors, data = payload.get("errors"), payload.get("data")
        # Paths are found in the tree by identity, so errors come before merging replaces anything.
        if errors:
            covers = covers_of(compiled, batches)
            rewriter = ErrorRewriter(fetch, execution.tree, batches, covers, self._errors, data)
            execution.errors += rewriter.rewrite(errors if isinstance(errors, list) else [errors])
        if data is None:
            return True
        return self._fits(compiled, execution, batches, data)

    def _fits(self, compiled: CompiledFetch, execution: Execution, batches: Sequence[EntityBatch], data: Any) -> bool:
        """Merge data, if it is what was asked for."""
        if data.__class__ is dict and self._merge(compiled, execution, batches, data):
            return True
        execution.errors.append(failed(compiled.fetch, "data does not fit the request", covers_of(compiled, batches)))
        return False

    def _merge(
        self, compiled: CompiledFetch, execution: Execution, batches: Sequence[EntityBatch], data: dict[str, Any]
    ) -> bool:
        if not compiled.targets:
            execution.structure += 1
            self._merge_root(compiled, execution.tree, data)
            return True
        fits = True
        for target, batch in zip(compiled.targets, batches, strict=True):
            results = data.get(target.target.alias)
            if isinstance(results, list) and len(results) == len(batch.places):
                if target.target.renames:
                    rename_results(batch, results)
                if target.slot is not None and execution.memory is not None:
                    execution.memory.answered(target, batch, results)
                execution.structure += not target.leaves_only
                merge_entities(batch, results, target.shape, self._concrete, leaves_only=target.leaves_only)
            elif batch.places and results is not None:
                fits = False
        return fits

    def _merge_root(self, compiled: CompiledFetch, tree: Tree, data: dict[str, Any]) -> None:
        fetch = compiled.fetch
        if fetch.renames:
            apply_renames(data, fetch.renames)
        if not fetch.path and tree.keys().isdisjoint(data):
            tree |= data
            return
        places = objects_at(tree, fetch.path)
        for place in places[1:]:
            merge(place, copy_tree(data, compiled.shape), compiled.shape, self._concrete)
        for place in places[:1]:
            merge(place, data, compiled.shape, self._concrete)


def _endpoint(subgraph: str, url: str, headers: Mapping[str, str], traffic: Traffic) -> Endpoint:
    """Raises ValueError that names the subgraph."""
    try:
        return Endpoint.of(url, headers=headers, timeout=traffic.of(subgraph).config.timeout)
    except ValueError as error:
        raise ValueError(f"The subgraph {subgraph} cannot be called: {error}") from error

"""Runs a query plan: every fetch starts as soon as the fetches it depends on are merged, with no waves in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict

from gateway.executor.contexts import ContextCalls, GroupedCall
from gateway.executor.entity_loader import EntityBatch, collect_entities, empty_batch, merge_entities, request_body
from gateway.executor.header_rules import HeaderLines, ResponseHeaders
from gateway.executor.merge import Shape, Tree, copy_tree, merge, shape_of
from gateway.executor.rewrites import ResponsePath, apply_renames, objects_at, static_prefix
from gateway.executor.subgraph_caller import UNAVAILABLE_STATUSES, SubgraphCaller
from gateway.executor.subgraph_client import Endpoint, HttpAnswer, SubgraphClient, TransportError, TransportFault
from gateway.executor.subgraph_errors import FAILED, UNAVAILABLE, ErrorRewriter, FieldError, failed, unavailable
from gateway.executor.traffic import Traffic
from gateway.executor.variables import holds, used
from gateway.planner.plan import Fetch, QueryPlan, Rename
from gateway.telemetry.metrics import SubgraphMeter
from gateway.telemetry.spans import Spans, mark


class SubgraphErrorsConfig(BaseModel):
    """Which members of a subgraph error's `extensions` a client sees beside `code`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    forward_extensions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CompiledFetch:
    """A fetch with all that can be made ready before the first request."""

    fetch: Fetch
    body_prefix: bytes
    shape: Shape
    target_shapes: tuple[Shape, ...]
    dependents: tuple[int, ...]
    contexts: ContextCalls | None = None


@dataclass(frozen=True, slots=True)
class CompiledPlan:
    """Positions in `fetches` are what `dependents` refers to."""

    fetches: tuple[CompiledFetch, ...]


@dataclass(slots=True)
class Execution:
    """What running a plan left: the response tree, the errors met on the way, and header lines for the client."""

    tree: Tree = field(default_factory=dict)
    errors: list[FieldError] = field(default_factory=list)
    headers: Sequence[tuple[str, str]] = ()
    tracing: bytes = b""
    answers: list[tuple[int, str, HeaderLines]] = field(default_factory=list)


HeadersFor = Callable[[str], bytes]
"""Header lines for a subgraph, by its name."""


def compile_plan(plan: QueryPlan) -> CompiledPlan:
    """Prepare a plan for any number of executions."""
    position = {fetch.id: index for index, fetch in enumerate(plan.fetches)}
    dependents: list[list[int]] = [[] for _ in plan.fetches]
    for index, fetch in enumerate(plan.fetches):
        for dependency in fetch.after:
            dependents[position[dependency]].append(index)
    return CompiledPlan(
        tuple(_compile_fetch(fetch, tuple(dependents[index])) for index, fetch in enumerate(plan.fetches))
    )


def _compile_fetch(fetch: Fetch, dependents: tuple[int, ...]) -> CompiledFetch:
    shape = shape_of(fetch.document)
    _rename_shape(shape, fetch.renames)
    target_shapes = []
    for target in fetch.targets:
        below = shape[target.alias] or {}
        _rename_shape(below, target.renames)
        target_shapes.append(below)
    contexts = ContextCalls(fetch) if any(target.contexts for target in fetch.targets) else None
    return CompiledFetch(fetch, _prefix(fetch.document), shape, tuple(target_shapes), dependents, contexts)


def _prefix(document: str) -> bytes:
    return b'{"query":%b,"variables":{' % orjson.dumps(document)


def _regrouped(compiled: CompiledFetch, call: GroupedCall) -> CompiledFetch:
    """A fetch as one request of its groups."""
    fetch = replace(
        compiled.fetch,
        document=call.document,
        variables=(*compiled.fetch.variables, *call.values),
        targets=tuple(batch.target for batch in call.batches),
    )
    shapes = tuple(compiled.target_shapes[position] for position in call.positions)
    return replace(compiled, fetch=fetch, body_prefix=_prefix(call.document), target_shapes=shapes, contexts=None)


def _rename_shape(shape: Shape, renames: Sequence[Rename]) -> None:
    """Renamed answers are merged by the names they end up with."""
    for rename in renames:
        below: Shape | None = shape
        for segment in rename.path:
            if isinstance(segment, str) and below is not None:
                below = below.get(segment)
        if below is not None and below.get(rename.alias) is not None:
            below[rename.name] = below[rename.alias]
        elif below is not None:
            below.setdefault(rename.name, None)


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

    async def execute(
        self, plan: CompiledPlan, variables: Mapping[str, Any], headers: HeadersFor, tracing: bytes = b""
    ) -> Execution:
        """Run all fetches. Failures of subgraphs become errors of the execution; what is raised is a bug.

        `tracing` are further header lines, which cannot change an answer.
        """
        execution = Execution(tracing=tracing)
        if len(plan.fetches) == 1:
            await self._run_fetch(plan.fetches[0], execution, variables, headers)
        else:
            await self._run_all(plan, execution, variables, headers)
        if execution.answers:
            # In the order of the plan, whoever was first to answer.
            execution.answers.sort(key=lambda answer: answer[0])
            execution.headers = self._response_headers.of((subgraph, lines) for _, subgraph, lines in execution.answers)
        return execution

    async def _run_all(
        self, plan: CompiledPlan, execution: Execution, variables: Mapping[str, Any], headers: HeadersFor
    ) -> None:
        waiting = [len(compiled.fetch.after) for compiled in plan.fetches]
        ready = [index for index, count in enumerate(waiting) if not count]
        async with asyncio.TaskGroup() as tasks:

            async def run_from(index: int) -> None:
                following: int | None = index
                while following is not None:
                    compiled = plan.fetches[following]
                    await self._run_fetch(compiled, execution, variables, headers)
                    following = None
                    for dependent in compiled.dependents:
                        waiting[dependent] -= 1
                        if waiting[dependent]:
                            continue
                        # The first goes on in this task; only a fork needs a new one.
                        if following is None:
                            following = dependent
                        else:
                            tasks.create_task(run_from(dependent))

            for index in ready:
                tasks.create_task(run_from(index))

    async def _run_fetch(
        self,
        compiled: CompiledFetch,
        execution: Execution,
        variables: Mapping[str, Any],
        headers: HeadersFor,
        batches: Sequence[EntityBatch] | None = None,
    ) -> None:
        """Run one fetch, where `batches` are given for these entities."""
        fetch = compiled.fetch
        if not holds(fetch.condition, variables):
            return
        if compiled.contexts is not None:
            await self._run_groups(compiled, compiled.contexts, execution, variables, headers)
            return
        if batches is None:
            batches = [
                collect_entities(execution.tree, target) if holds(target.condition, variables) else empty_batch(target)
                for target in fetch.targets
            ]
        if fetch.targets and not any(batch.representations for batch in batches):
            return
        if not fetch.targets and fetch.path and not objects_at(execution.tree, fetch.path):
            return
        body = request_body(compiled.body_prefix, used(fetch.variables, variables), batches)
        meter = self._meters[fetch.subgraph]
        started = meter.start()
        with self._spans.subgraph_request(fetch.subgraph) as (span, trace_headers):
            lines = (headers(fetch.subgraph), execution.tracing + trace_headers)
            outcome = await self._request(compiled, execution, batches, body, lines)
            mark(span, outcome)
        meter.finish(started, outcome)

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
                part, values = _regrouped(compiled, call), {**variables, **call.values}
                tasks.create_task(self._run_fetch(part, execution, values, headers, call.batches))

    async def _request(
        self,
        compiled: CompiledFetch,
        execution: Execution,
        batches: Sequence[EntityBatch],
        body: bytes,
        lines: tuple[bytes, bytes],
    ) -> str:
        """Send one request and take its answer in; gives the outcome by its name in the metrics."""
        fetch = compiled.fetch
        try:
            answer = await self._callers[fetch.subgraph].call(body, *lines, idempotent=fetch.kind == "query")
        except TransportError as error:
            execution.errors.append(unavailable(fetch, error, _covers(compiled, batches)))
            return "left_alone" if error.fault is TransportFault.CIRCUIT_OPEN else "unavailable"
        if fetch.subgraph in self._concerned:
            execution.answers.append((fetch.id, fetch.subgraph, answer.lines))
        return "ok" if self._take(compiled, execution, batches, answer) else "failed"

    def _take(
        self, compiled: CompiledFetch, execution: Execution, batches: Sequence[EntityBatch], answer: HttpAnswer
    ) -> bool:
        """Merge an answer's data and keep its errors. False if it was not a GraphQL response."""
        fetch = compiled.fetch
        covers = _covers(compiled, batches)
        try:
            payload = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            payload = None
        if not isinstance(payload, dict) or not ("data" in payload or payload.get("errors")):
            code = UNAVAILABLE if answer.status in UNAVAILABLE_STATUSES else FAILED
            execution.errors.append(failed(fetch, f"status {answer.status}, no GraphQL response", covers, code=code))
            return False
        errors, data = payload.get("errors"), payload.get("data")
        # Paths are found in the tree by identity, so errors come before merging replaces anything.
        if errors:
            rewriter = ErrorRewriter(fetch, execution.tree, batches, covers, self._errors.forward_extensions)
            execution.errors += rewriter.rewrite(errors if isinstance(errors, list) else [errors])
        if data is None:
            return True
        if not isinstance(data, dict) or not self._merge(compiled, execution.tree, batches, data):
            execution.errors.append(failed(fetch, "data does not fit the request", covers))
            return False
        return True

    def _merge(self, compiled: CompiledFetch, tree: Tree, batches: Sequence[EntityBatch], data: dict[str, Any]) -> bool:
        fetch = compiled.fetch
        if not fetch.targets:
            apply_renames(data, fetch.renames)
            places = objects_at(tree, fetch.path)
            for place in places[1:]:
                merge(place, copy_tree(data, compiled.shape), compiled.shape, self._concrete)
            for place in places[:1]:
                merge(place, data, compiled.shape, self._concrete)
            return True
        fits = True
        for batch, shape in zip(batches, compiled.target_shapes, strict=True):
            results = data.get(batch.target.alias)
            if isinstance(results, list) and len(results) == len(batch.places):
                merge_entities(batch, results, shape, self._concrete)
            elif batch.places and results is not None:
                fits = False
        return fits


def _endpoint(subgraph: str, url: str, headers: Mapping[str, str], traffic: Traffic) -> Endpoint:
    """Raises ValueError that names the subgraph."""
    try:
        return Endpoint.of(url, headers=headers, timeout=traffic.of(subgraph).config.timeout)
    except ValueError as error:
        raise ValueError(f"The subgraph {subgraph} cannot be called: {error}") from error


def _covers(compiled: CompiledFetch, batches: Sequence[EntityBatch]) -> tuple[ResponsePath, ...]:
    """Where in the response a fetch's data belongs: the places whose nulls a failure of the fetch explains."""
    fetch = compiled.fetch
    if fetch.targets:
        return tuple(static_prefix(path) for batch in batches if batch.representations for path in batch.target.paths)
    if fetch.path:
        return (static_prefix(fetch.path),)
    return tuple((key,) for key in compiled.shape)

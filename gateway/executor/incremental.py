"""Runs a plan with deferred fetches: what is not deferred is given as soon as its own fetches are merged, the rest after it.

All fetches run as they do without @defer, into one response tree. A deferred fragment is delivered once its fetches are
merged and those have been delivered that it stands in or shares fields with; for all objects that it is on at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import GraphQLSchema

from gateway.cache.session import CacheSession
from gateway.executor.compiled import CompiledPlan, compile_plan
from gateway.executor.completion import NULL_VIOLATION, Refusals
from gateway.executor.deferred_places import DeferredPlaces
from gateway.executor.execution import Execution, HeadersFor
from gateway.executor.executor import Executor
from gateway.executor.projection import Projection
from gateway.executor.rewrites import ResponsePath
from gateway.executor.subgraph_errors import FieldError
from gateway.executor.trace import RunTrace
from gateway.planner.deferral import Deferral, owners
from gateway.planner.operation import Operation
from gateway.planner.plan import QueryPlan


class IncrementalPlan:
    """A plan made ready. `needed` are the positions of the fetches that each mark waits for; the empty one is not deferred.

    `owners` are, by the id of a fetch, the marks of what it fetches.
    """

    def __init__(
        self, schema: GraphQLSchema, plan: QueryPlan, operation: Operation, refusals: Refusals | None = None
    ) -> None:
        self.compiled: CompiledPlan = compile_plan(plan)
        self.places = DeferredPlaces(schema, operation, refusals)
        # Nothing is kept in the tree, which goes on growing, and no object of the data stands in it twice.
        self.projection = Projection(schema, operation, refusals)
        self.owners = {fetch.id: owners(fetch) for fetch in plan.fetches}
        needed: dict[str, set[int]] = {"": set(), **{deferral.mark: set() for deferral in self.places.deferrals}}
        for position, fetch in enumerate(plan.fetches):
            for owner in self.owners[fetch.id]:
                needed.setdefault(owner, set()).add(position)
        self.needed = needed


@dataclass(frozen=True, slots=True)
class Pending:
    """A deferred fragment on one object. The client knows it by `id`."""

    id: str
    path: ResponsePath
    label: str | None


@dataclass(slots=True)
class Addition:
    """What a fragment adds to the object at `path`, which is the fragment's own or below it."""

    pending: Pending
    path: ResponsePath
    data: dict[str, Any]
    errors: list[FieldError] = field(default_factory=list)


@dataclass(slots=True)
class Completion:
    """A fragment of which nothing more comes. With `errors` nothing of it has come at all."""

    pending: Pending
    errors: list[FieldError] = field(default_factory=list)


@dataclass(slots=True)
class Delivery:
    """What is delivered at once; `pending` is what it announces."""

    pending: list[Pending] = field(default_factory=list)
    additions: list[Addition] = field(default_factory=list)
    completed: list[Completion] = field(default_factory=list)
    has_next: bool = False


class IncrementalExecution:
    """One execution. Call `first` once, then `next` until it gives None; `close` in any case.

    `tree` holds what is known without any fetch. At most `most` fragments are pending at a time.
    """

    def __init__(
        self,
        executor: Executor,
        plan: IncrementalPlan,
        variables: Mapping[str, Any],
        headers: HeadersFor,
        tracing: bytes = b"",
        *,
        cache: CacheSession | None = None,
        trace: RunTrace | None = None,
        tree: Mapping[str, Any] | None = None,
        most: int = 1000,
    ) -> None:
        self.execution = Execution(tracing, cache, trace)
        self.execution.tree.update(tree or {})
        self._plan = plan
        self._variables = variables
        self._most = most
        self._done: set[int] = set()
        self._news = asyncio.Event()
        self._data: dict[str, Any] = {}
        self._count = 0
        self._pending: dict[str, dict[ResponsePath, Pending]] = {}
        self._failed: dict[str, dict[ResponsePath, list[FieldError]]] = {}
        self._delivered: set[str] = set()
        self._reported: dict[int, FieldError] = {}
        self._task: asyncio.Future[object] | None = None
        if plan.compiled.fetches:
            run = executor.execute(self.execution, plan.compiled, variables, headers, self._land)
            self._task = asyncio.ensure_future(run)
            self._task.add_done_callback(lambda _: self._news.set())

    async def first(self) -> tuple[dict[str, Any] | None, list[FieldError], Delivery | None]:
        """The data without what is deferred, its errors, and what is pending; None in its place where that is too much.

        What is raised is a bug.
        """
        await self._until(self._plan.needed[""])
        self._delivered.add("")
        known = self._fresh_errors()
        data, found = self._plan.projection.project(self.execution.tree, self._variables, known)
        delivery = Delivery()
        if data is not None:
            self._data = data
            self._announce(None, {}, delivery)
        delivery.has_next = self._open
        return data, [*known, *found], delivery if len(delivery.pending) <= self._most else None

    async def next(self) -> Delivery | None:
        """What comes next, as soon as there is something; None when nothing will."""
        delivery = Delivery()
        while self._open and not delivery.completed and not delivery.additions:
            # What adds to what is delivered now comes in a part of its own: it must not change what is on its way.
            ready = self._ready()
            for deferral in ready:
                self._deliver(deferral, delivery)
            if not ready:
                await self._news_of_fetches()
        delivery.has_next = self._open
        return delivery if delivery.completed or delivery.additions else None

    async def whole(self) -> None:
        """Wait until everything is fetched."""
        await self._until(set(range(len(self._plan.compiled.fetches))))

    async def close(self) -> None:
        """Fetch no more."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})

    def outstanding(self) -> list[Pending]:
        """What was announced and has not been completed."""
        found = {each.id: each for pending in self._pending.values() for each in pending.values()}
        return list(found.values())

    @property
    def _open(self) -> bool:
        return any(self._pending.values())

    def _land(self, position: int) -> None:
        self._done.add(position)
        self._news.set()

    async def _until(self, needed: set[int]) -> None:
        while not needed <= self._done:
            await self._news_of_fetches()

    async def _news_of_fetches(self) -> None:
        assert self._task is not None
        if self._task.done():
            self._task.result()
            raise AssertionError("everything is fetched and something still waits")
        self._news.clear()
        await self._news.wait()

    def _ready(self) -> list[Deferral]:
        """The deferred fragments that are to be delivered now."""
        ready: list[Deferral] = []
        for deferral in self._plan.places.deferrals:
            earlier = {each.mark for each in deferral.after}
            earlier.add(deferral.parent.mark if deferral.parent else "")
            fetched = self._plan.needed[deferral.mark] <= self._done
            if fetched and deferral.mark not in self._delivered and earlier <= self._delivered:
                ready.append(deferral)
        return ready

    def _announce(self, parent: Deferral | None, above: Mapping[ResponsePath, Pending], delivery: Delivery) -> None:
        """Tell what is to be delivered after `parent`, which was pending on the objects of `above`.

        What would be too much at once is delivered as a part of what it stands in.
        """
        failed = self._failed.get(parent.mark, {}) if parent else {}
        places: dict[Deferral, list[ResponsePath]] = {}
        for deferral in self._plan.places.deferrals:
            if deferral.parent is parent:
                found = self._plan.places.instances(self.execution.tree, self._data, self._variables, deferral)
                places[deferral] = [
                    path for path in dict.fromkeys(found) if not any(_is_above(other, path) for other in failed)
                ]
        too_many = len(self.outstanding()) + sum(map(len, places.values())) > self._most
        for deferral, paths in places.items():
            if parent is not None and too_many:
                self._pending[deferral.mark] = {path: above[_on(parent, path)] for path in paths}
                continue
            made = {path: Pending(str(self._count + n), path, deferral.label) for n, path in enumerate(paths)}
            self._count += len(made)
            self._pending[deferral.mark] = made
            delivery.pending += made.values()

    def _deliver(self, deferral: Deferral, delivery: Delivery) -> None:
        self._delivered.add(deferral.mark)
        pending = self._pending.pop(deferral.mark, {})
        errors = self._fresh_errors()
        additions, failed = self._additions(deferral, pending)
        for own in pending:
            for shared in deferral.after:
                # What both select has failed there, so that neither is whole.
                for path, causes in self._failed.get(shared.mark, {}).items():
                    if _is_above(path, own) or _is_above(own, path):
                        failed.setdefault(own, []).extend(causes)
        for own, causes in failed.items():
            mine = [each for each in errors if each.path is not None and _is_above(own, each.path)]
            errors = [each for each in errors if each not in mine]
            failed[own] = [*mine, *causes] or self._explanation(own)
        self._failed[deferral.mark] = failed
        kept = [(added, into) for added, into in additions if _on(deferral, added.path) not in failed]
        for added, into in kept:
            into.update(added.data)
        _attach(errors, [added for added, _ in kept])
        delivery.additions += (added for added, _ in kept)
        self._announce(deferral, pending, delivery)
        left = {each.id for each in self.outstanding()}
        completed: dict[str, Completion] = {}
        for path, each in pending.items():
            if each.id not in left:
                completed.setdefault(each.id, Completion(each)).errors += failed.get(path, [])
        delivery.completed += completed.values()

    def _additions(
        self, deferral: Deferral, pending: Mapping[ResponsePath, Pending]
    ) -> tuple[list[tuple[Addition, dict[str, Any]]], dict[ResponsePath, list[FieldError]]]:
        """What a fragment adds, each with the object of the client's data that it is added to; and where it fails, and why."""
        made: list[tuple[Addition, dict[str, Any]]] = []
        failed: dict[ResponsePath, list[FieldError]] = {}
        places, known = self._plan.places, self.execution.errors
        for spot in list(places.additions(self.execution.tree, self._data, self._variables, deferral)):
            own = _on(deferral, spot.path)
            if own not in pending:
                continue
            data, found = places.project(spot, deferral, self._variables, _below(known, spot.path))
            errors = [_within(error, spot.path) for error in found]
            if data is None:
                failed.setdefault(own, []).extend(errors)
            else:
                made.append((Addition(pending[own], spot.path, data, errors), spot.data))
        return made, failed

    def _fresh_errors(self) -> list[FieldError]:
        """The errors of execution that belong to what has been delivered and were not told yet."""
        errors = self.execution.errors
        fresh = [e for e in errors if id(e) not in self._reported and self._owner(e) in self._delivered]
        self._reported.update((id(error), error) for error in fresh)
        return fresh

    def _owner(self, error: FieldError) -> str:
        owners = self._plan.owners.get(error.fetch, []) if error.fetch is not None else []
        if len(owners) == 1:
            return owners[0]
        return max([*owners[:1], self._plan.places.owner_at(error.path or ())])

    def _explanation(self, path: ResponsePath) -> list[FieldError]:
        """Why a fragment failed where no error is its own: the cause was told elsewhere."""
        told = [error for error in self.execution.errors if error.explains(path)]
        return told or [FieldError("A value that must not be null is missing.", NULL_VIOLATION, path)]


def _is_above(path: ResponsePath, other: ResponsePath) -> bool:
    return other[: len(path)] == path


def _on(deferral: Deferral, path: ResponsePath) -> ResponsePath:
    """The object that a deferred fragment is on, of which `path` is a part."""
    keys = 0
    for position, step in enumerate(path):
        if isinstance(step, str):
            if keys == deferral.keys:
                return path[:position]
            keys += 1
    return path


def _below(errors: Sequence[FieldError], path: ResponsePath) -> list[FieldError]:
    """The errors as they are seen from the object at `path`."""
    seen: list[FieldError] = []
    for error in errors:
        covers = error.covers or (() if error.path is None else (error.path,))
        inner = tuple(c[len(path) :] for c in covers if _is_above(path, c) or _is_above(c, path))
        if inner or not covers:
            seen.append(replace(error, covers=inner))
    return seen


def _within(error: FieldError, path: ResponsePath) -> FieldError:
    """An error that was found in the object at `path`, as it is seen from the root."""
    return replace(error, path=(*path, *(error.path or ())), covers=tuple((*path, *each) for each in error.covers))


def _attach(errors: Iterable[FieldError], additions: Sequence[Addition]) -> None:
    """Tell each error with what it is about, or with the first of all."""
    for error in errors:
        about = [each for each in additions if error.path is not None and _is_above(each.path, error.path)]
        for added in [max(about, key=lambda each: len(each.path))] if about else additions[:1]:
            added.errors.append(error)

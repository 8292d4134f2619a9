"""Answers in parts: what `@defer` puts off comes after the rest, in the form that the client reads."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from gateway.executor.incremental import Addition, Completion, Delivery, IncrementalExecution, Pending
from gateway.executor.subgraph_errors import INTERNAL, FieldError
from gateway.pipeline.request import GraphQLResponse, IncrementalFormat

logger = logging.getLogger(__name__)

_Entry = dict[str, Any]


class IncrementalConfig(BaseModel):
    """`max_pending` is how many deferred fragments one answer may be waiting for, each object of a list counted: where it
    would be more, nothing is put off. Without `enabled` the directive is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    max_pending: int = Field(default=1000, ge=1)


class IncrementalResponses:
    """The parts of one answer; `first` is the one that is ready. `told` gives the extensions of the last, if it has any."""

    def __init__(
        self,
        execution: IncrementalExecution,
        format_: IncrementalFormat,
        first: _Entry,
        told: Callable[[], _Entry] | None = None,
    ) -> None:
        self._execution = execution
        self._format = format_
        self._first: _Entry | None = first
        self._told = told
        self._over = False

    def __aiter__(self) -> AsyncIterator[GraphQLResponse]:
        return self

    async def __anext__(self) -> GraphQLResponse:
        if self._first is not None:
            first, self._first = self._first, None
            return GraphQLResponse(first)
        while not self._over:
            delivery = await self._next()
            self._over = not delivery.has_next
            payload = later_payload(delivery, self._format)
            if self._over and self._told is not None:
                payload["extensions"] = self._told()
            if len(payload) > 1 or self._over:
                return GraphQLResponse(payload)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Fetch no more."""
        self._over = True
        await self._execution.close()

    async def _next(self) -> Delivery:
        try:
            return await self._execution.next() or Delivery()
        except Exception:
            # A bug is masked and logged like one in a whole answer.
            logger.exception("a deferred part of an answer failed")
            errors = [FieldError("Something went wrong.", INTERNAL)]
            return Delivery(completed=[Completion(each, errors) for each in self._execution.outstanding()])


def first_payload(
    data: _Entry | None, errors: list[FieldError], delivery: Delivery, format_: IncrementalFormat
) -> _Entry:
    """The first part; an answer like any other where nothing is put off."""
    payload: _Entry = {"errors": [error.formatted() for error in errors]} if errors else {}
    payload["data"] = data
    if not delivery.has_next:
        return payload
    if format_ is IncrementalFormat.CURRENT:
        payload["pending"] = [_announced(each) for each in delivery.pending]
    return {**payload, "hasNext": True}


def later_payload(delivery: Delivery, format_: IncrementalFormat) -> _Entry:
    """A part after the first; no more than `hasNext` where the format has no words for what happened."""
    if format_ is IncrementalFormat.CURRENT:
        parts = {
            "pending": [_announced(each) for each in delivery.pending],
            "incremental": [_added(each) for each in delivery.additions],
            "completed": [_completed(each) for each in delivery.completed],
        }
    else:
        added = [_patch(each.path, each.pending, each.data, each.errors) for each in delivery.additions]
        failed = [_patch(e.pending.path, e.pending, None, e.errors) for e in delivery.completed if e.errors]
        parts = {"incremental": [*added, *failed]}
    return {**{name: part for name, part in parts.items() if part}, "hasNext": delivery.has_next}


def _announced(pending: Pending) -> _Entry:
    return {"id": pending.id, "path": list(pending.path), **_labelled(pending)}


def _added(addition: Addition) -> _Entry:
    below = addition.path[len(addition.pending.path) :]
    entry: _Entry = {"id": addition.pending.id, **({"subPath": list(below)} if below else {}), "data": addition.data}
    return {**entry, **_with_errors(addition.errors)}


def _completed(completion: Completion) -> _Entry:
    return {"id": completion.pending.id, **_with_errors(completion.errors)}


def _patch(path: tuple[str | int, ...], pending: Pending, data: _Entry | None, errors: list[FieldError]) -> _Entry:
    return {"data": data, "path": list(path), **_labelled(pending), **_with_errors(errors)}


def _labelled(pending: Pending) -> Mapping[str, str]:
    return {} if pending.label is None else {"label": pending.label}


def _with_errors(errors: list[FieldError]) -> Mapping[str, list[_Entry]]:
    return {"errors": [error.formatted() for error in errors]} if errors else {}

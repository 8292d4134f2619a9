"""Subscriptions: a source of events that was authorised once, and an execution with loaders of its own for each event."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass
from functools import partial
from inspect import isawaitable
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    Executor,
    GraphQLError,
    OperationType,
    create_source_event_stream,
    execute,
    get_operation_ast,
    parse,
    validate,
)

from shared.auth.actor import Actor
from shared.errors import Refusal
from shared.graphql.context import RequestContext
from shared.graphql.schema import SubgraphSchema, client_error
from shared.telemetry.metrics import LIVE_STREAMS, LIVE_STREAMS_ENDED

MAX_STREAMS = 1000
Answer = dict[str, Any]
"""A GraphQL answer as a plain dict, errors already fit to leave."""


class TooManyStreams(Refusal):
    def __init__(self) -> None:
        super().__init__("TOO_MANY_STREAMS", "Too many subscriptions are open here. Try again later.")


@dataclass(frozen=True, slots=True)
class _Request:
    """One subscription as it was asked for: executed again for each event."""

    schema: SubgraphSchema
    document: DocumentNode
    variables: dict[str, Any] | None
    operation_name: str | None
    context: Callable[[], RequestContext]

    async def source(self) -> AsyncIterable[object] | list[GraphQLError]:
        """Asks the resolver for its events; whatever it refuses, it refuses here and now."""
        executor = Executor.build(
            self.schema.core,
            self.document,
            context_value=self.context(),
            raw_variable_values=self.variables,
            operation_name=self.operation_name,
        )
        if isinstance(executor, list):
            return executor
        found = create_source_event_stream(executor)
        source = await found if isawaitable(found) else found
        return source.errors or [] if isinstance(source, ExecutionResult) else source

    async def execute(self, event: object) -> Answer:
        """The answer to one event. Its context is new, so that no loader remembers what it read for an earlier one."""
        found = execute(
            self.schema.core,
            self.document,
            root_value=event,
            context_value=self.context(),
            variable_values=self.variables,
            operation_name=self.operation_name,
        )
        result = await found if isawaitable(found) else found
        assert isinstance(result, ExecutionResult)
        answer: Answer = {"data": result.data}
        if result.errors:
            answer["errors"] = refused(self.schema, result.errors)["errors"]
        return answer


class AnswerStream:
    """The answers of one open subscription. Whoever opened it closes it, whatever happens in between."""

    def __init__(
        self, domain: str, request: _Request, source: AsyncIterable[object], on_close: Callable[[], None]
    ) -> None:
        self._domain = domain
        self._request = request
        self._source = aiter(source)
        self._on_close = on_close
        self._over = self._closed = False
        LIVE_STREAMS.labels(domain).inc()

    async def next_answer(self) -> Answer | None:
        """The answer to the next event; None once there are no more. A failure of the source is the last answer."""
        if self._over:
            return None
        try:
            event = await anext(self._source)
        except StopAsyncIteration:
            self._end("complete")
            return None
        except Exception as error:
            answer = refused(self._request.schema, [_wrapped(error)])
            self._end(answer["errors"][0]["extensions"]["code"])
            return answer
        return await self._request.execute(event)

    async def aclose(self) -> None:
        if self._closed:
            return
        self._over = self._closed = True
        self._on_close()
        LIVE_STREAMS.labels(self._domain).dec()
        if (close := getattr(self._source, "aclose", None)) is not None:
            await close()

    def _end(self, code: str) -> None:
        self._over = True
        LIVE_STREAMS_ENDED.labels(self._domain, code).inc()


class Subscriptions:
    """All subscriptions of one process, of which at most `max_streams` are open at once."""

    def __init__(
        self,
        domain: str,
        schema: SubgraphSchema,
        context: Callable[[Actor], RequestContext],
        *,
        max_streams: int = MAX_STREAMS,
    ) -> None:
        self._domain = domain
        self._schema = schema
        self._context = context
        self._max_streams = max_streams
        self._open = 0

    async def open(
        self, actor: Actor, query: str, variables: dict[str, Any] | None = None, operation_name: str | None = None
    ) -> AnswerStream | Answer:
        """The open stream, or the answer that refuses it: then nothing is open."""
        document = self._document(query, operation_name)
        if isinstance(document, list):
            return refused(self._schema, document)
        if self._open >= self._max_streams:
            return refused(self._schema, [_wrapped(TooManyStreams())])
        request = _Request(self._schema, document, variables, operation_name, partial(self._context, actor))
        self._open += 1
        source: AsyncIterable[object] | list[GraphQLError] = []
        try:
            source = await request.source()
        finally:
            if isinstance(source, list):
                self._release()
        if isinstance(source, list):
            return refused(self._schema, source)
        return AnswerStream(self._domain, request, source, self._release)

    def _document(self, query: str, operation_name: str | None) -> DocumentNode | list[GraphQLError]:
        try:
            document = parse(query)
        except GraphQLError as error:
            return [error]
        operation = get_operation_ast(document, operation_name)
        if operation is None or operation.operation is not OperationType.SUBSCRIPTION:
            return [GraphQLError("Only a subscription is answered by a stream.")]
        return validate(self._schema.core, document) or document

    def _release(self) -> None:
        self._open -= 1


def refused(schema: SubgraphSchema, errors: list[GraphQLError]) -> Answer:
    """What leaves for these errors; the log has what is masked."""
    schema.process_errors(errors)
    return {"data": None, "errors": [client_error(error) for error in errors]}


def _wrapped(error: Exception) -> GraphQLError:
    return GraphQLError(str(error), original_error=error)

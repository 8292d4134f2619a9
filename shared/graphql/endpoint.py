"""The subgraph's HTTP endpoint: lean, since its only client is the gateway."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import orjson
from graphql import GraphQLError
from opentelemetry.trace import SpanKind
from starlette.requests import Request
from starlette.responses import Response
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from shared.auth.actor import Actor
from shared.graphql.context import RequestContext
from shared.graphql.event_stream import EVENT_STREAM, EventStreamResponse
from shared.graphql.meters import OperationMeters
from shared.graphql.schema import SubgraphSchema, client_error
from shared.graphql.subscriptions import MAX_STREAMS, AnswerStream, Subscriptions
from shared.http.errors import error_response
from shared.telemetry import span_names as names
from shared.telemetry.context import current_correlation
from shared.telemetry.spans import is_recorded, is_sampled, taken_up, tell

MAX_BODY = 4 * 1024 * 1024
_MOST_TEXT = 128
_ANSWERED_ONCE = frozenset({OperationType.QUERY, OperationType.MUTATION})
ContextFactory = Callable[[Actor], RequestContext]


class GraphQLEndpoint:
    """POST of `{query, variables, operationName}`; `scope["actor"]` was put there by InternalAuth.

    Who accepts an event stream subscribes, and is refused with a plain answer.
    """

    def __init__(
        self, domain: str, schema: SubgraphSchema, context: ContextFactory, *, max_streams: int = MAX_STREAMS
    ) -> None:
        self._schema = schema
        self._context = context
        self._subscriptions = Subscriptions(domain, schema, context, max_streams=max_streams)
        self._meters = OperationMeters(domain, schema.core)

    async def handle(self, request: Request) -> Response:
        correlation = current_correlation()
        # A stream outlives what it was asked for: it is no part of that trace.
        if not is_sampled(correlation.traceparent) or EVENT_STREAM in request.headers.get("accept", ""):
            return await self._answer(request)
        attributes = {names.HTTP_METHOD: "POST", names.HTTP_ROUTE: "/graphql"}
        attributes[names.CORRELATION] = correlation.correlation_id[:_MOST_TEXT]
        with taken_up(names.SUBGRAPH_REQUEST, SpanKind.SERVER, correlation.traceparent, attributes) as span:
            response = await self._answer(request)
            if span is not None:
                span.set_attribute(names.HTTP_STATUS, response.status_code)
            return response

    async def _answer(self, request: Request) -> Response:
        body = await request.body()
        if len(body) > MAX_BODY:
            return error_response(413, "REQUEST_TOO_LARGE", "The request body is too large.")
        try:
            document = orjson.loads(body)
            query, variables, name = document["query"], document.get("variables"), document.get("operationName")
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            return error_response(400, "BAD_REQUEST", "The body must be a JSON object with a query.")
        if EVENT_STREAM in request.headers.get("accept", ""):
            return await self._subscribe(request.scope["actor"], query, variables, name)
        started = perf_counter()
        answer = await self.execute(request.scope["actor"], query, variables, name)
        meter = self._meters.of(query)
        meter.seconds.observe(perf_counter() - started)
        (meter.failed if "errors" in answer else meter.ok).inc()
        if is_recorded():
            tell(
                {
                    names.GRAPHQL_TYPE: "mutation" if query.startswith("mutation") else "query",
                    names.OUTCOME: "error" if "errors" in answer else "ok",
                }
            )
        return Response(orjson.dumps(answer), media_type="application/json")

    async def _subscribe(
        self, actor: Actor, query: str, variables: dict[str, Any] | None, operation_name: str | None
    ) -> Response:
        opened = await self._subscriptions.open(actor, query, variables, operation_name)
        meter = self._meters.of(query)
        (meter.ok if isinstance(opened, AnswerStream) else meter.failed).inc()
        if isinstance(opened, AnswerStream):
            return EventStreamResponse(opened)
        return Response(orjson.dumps(opened), media_type="application/json")

    async def execute(
        self, actor: Actor, query: str, variables: dict[str, Any] | None = None, operation_name: str | None = None
    ) -> dict[str, Any]:
        """The GraphQL answer as a plain dict, errors already fit to leave."""
        try:
            result = await self._schema.execute(
                query,
                variable_values=variables,
                context_value=self._context(actor),
                operation_name=operation_name,
                allowed_operation_types=_ANSWERED_ONCE,
            )
        except (CannotGetOperationTypeError, InvalidOperationTypeError):
            error = GraphQLError("The document has no such query or mutation; a subscription is answered by a stream.")
            return {"data": None, "errors": [client_error(error)]}
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = [client_error(error) for error in result.errors]
        return answer

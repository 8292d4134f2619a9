"""What the transports of subscriptions share: who may open one, and how the GraphQL requests on it are answered."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from starlette.types import Receive

from gateway.errors import RequestRefused
from gateway.http.correlation import is_correlated, new_correlation_id
from gateway.http.request import graphql_request
from gateway.pipeline.identify import CORRELATION
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.request import GraphQLRequest, GraphQLResponse, IncrementalFormat
from gateway.pipeline.subscriptions import SHUTTING_DOWN, SUPERGRAPH_CHANGED, SubscriptionsConfig
from gateway.security.stream_limits import StreamLimits
from gateway.telemetry.metrics import STREAM_CONNECTIONS
from gateway.telemetry.spans import Spans
from shared.telemetry.context import Correlation, bind

RESTARTS = frozenset({SUPERGRAPH_CHANGED, SHUTTING_DOWN})
"""Codes of ends that clients come back from by connecting again, as they do after any lost connection."""

_HEADER_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,100}")
_MOST_HEADERS = 50

_OF_THE_CONNECTION = frozenset(
    {"connection", "cookie", "host", "origin", "sec-fetch-site", "upgrade", "x-forwarded-for", "content-length"}
)


class Connections:
    """Counts the open connections of all transports within their bounds.

    It also knows how many queries and mutations on WebSockets wait for their answers.
    """

    def __init__(self, config: SubscriptionsConfig) -> None:
        self._limits = StreamLimits(
            "TOO_MANY_CONNECTIONS",
            "connections",
            total=config.max_connections,
            per_client=config.connections_per_client,
        )
        self._unanswered = 0
        self._settled = asyncio.Event()
        self._settled.set()

    def asked(self) -> None:
        self._unanswered += 1
        self._settled.clear()

    def answered(self) -> None:
        self._unanswered -= 1
        if not self._unanswered:
            self._settled.set()

    async def settle(self, patience: float) -> None:
        """Wait until none waits for its answer, at most so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._settled.wait()

    def enter(self, transport: str, client: str) -> Callable[[], None]:
        """Count a connection; gives what counts it off. Raises RequestRefused."""
        self._limits.admit(client)
        gauge = STREAM_CONNECTIONS.labels(transport)
        gauge.inc()

        def leave() -> None:
            self._limits.release(client)
            gauge.dec()

        return leave


@dataclass(frozen=True, slots=True)
class Edge:
    """What a transport needs of the gateway. `counted` refuses what is too much at once and counts what is under way;
    `posted` reads the parameters in a body."""

    pipeline: Pipeline
    config: SubscriptionsConfig
    connections: Connections
    counted: Callable[[GraphQLRequest], AbstractContextManager[None]]
    posted: Callable[[Receive, Mapping[str, str]], Awaitable[dict[str, Any] | list[Any]]]
    body_limit: int
    spans: Spans

    async def answer(
        self,
        parameters: Mapping[str, Any],
        headers: Mapping[str, str],
        client: str,
        *,
        credentials: Callable[[], Mapping[str, str]] | None,
        read_only: bool = False,
    ) -> GraphQLResponse:
        """The response to the GraphQL request in `parameters`. Raises RequestRefused where it is none."""
        request = graphql_request(parameters, headers, client, read_only=read_only)
        request.credentials, request.incremental = credentials, IncrementalFormat.CURRENT
        with self.counted(request):
            return await self.pipeline.answer(request)

    @contextmanager
    def story(self, headers: Mapping[str, str]) -> Iterator[dict[str, str]]:
        """What one operation on a connection does belongs to one correlation and one span; gives its headers."""
        own = dict(headers)
        if not is_correlated(own, trusts_trace=self.spans.trusts_clients):
            own[CORRELATION] = new_correlation_id()
        with bind(Correlation(own[CORRELATION], traceparent=own.get("traceparent"))), self.spans.request(own):
            yield own


def headers_in(payload: object) -> dict[str, str]:
    """The headers in the payload of a message: those in its object `headers`, and `authorization` beside it.

    Raises RequestRefused for what is no header.
    """
    if payload is None:
        return {}
    if not isinstance(payload, dict):
        raise RequestRefused("BAD_REQUEST", "The payload must be an object.")
    given = payload.get("headers") or {}
    if not isinstance(given, dict) or len(given) > _MOST_HEADERS:
        raise RequestRefused("BAD_REQUEST", "The payload's headers must be an object with few members.")
    beside = {name: value for name, value in payload.items() if name.lower() == "authorization"}
    headers = {name.lower(): value for name, value in {**given, **beside}.items()}
    if not all(isinstance(value, str) and _HEADER_NAME.fullmatch(name) for name, value in headers.items()):
        raise RequestRefused("BAD_REQUEST", "The payload's headers must be texts by header names.")
    return {name: value for name, value in headers.items() if name not in _OF_THE_CONNECTION}

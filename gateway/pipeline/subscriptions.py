"""Subscriptions: one source stream from a subgraph, and for each of its events the rest of the plan and a response."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from time import time
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from gateway.errors import RequestRefused
from gateway.executor.compiled import CompiledFetch
from gateway.executor.entity_loader import request_body
from gateway.executor.source_streams import SLOW_CONSUMER, Item, Listener, SourceStreams, StreamEnd
from gateway.executor.subgraph_errors import CIRCUIT_OPEN, INTERNAL, UNAVAILABLE
from gateway.executor.subscription_client import UpstreamConfig
from gateway.executor.variables import used
from gateway.pipeline.identify import Identification, Identity
from gateway.pipeline.request import GraphQLRequest, GraphQLResponse
from gateway.security.access_rules import Grants
from gateway.security.authorization import AuthorizationConfig, grants_of
from gateway.security.stream_limits import StreamLimits
from gateway.telemetry.metrics import SUBSCRIPTION_EVENTS, SUBSCRIPTIONS, SUBSCRIPTIONS_ENDED

logger = logging.getLogger(__name__)

TOKEN_EXPIRED = "TOKEN_EXPIRED"  # noqa: S105 - a code
SUPERGRAPH_CHANGED = "SUPERGRAPH_CHANGED"
SHUTTING_DOWN = "SHUTTING_DOWN"

_MESSAGES = {
    TOKEN_EXPIRED: "The access token has expired. Subscribe again with a new one.",
    SUPERGRAPH_CHANGED: "The schema has changed. Subscribe again, and read again what events may have been missed.",
    SHUTTING_DOWN: "This server stops. Subscribe again, and read again what events may have been missed.",
    SLOW_CONSUMER: "Events came faster than they were taken. Subscribe again, and read again what was missed.",
    UNAVAILABLE: "The source of the events was lost. Subscribe again, and read again what was missed.",
    CIRCUIT_OPEN: "What sends the events failed repeatedly. Try again in a moment.",
}


class SubscriptionsConfig(BaseModel):
    """Bounds for subscriptions and the connections that carry them; times in seconds.

    `queue` is how many events wait for one slow client; one that is still full after `patience` drops it. A client that does
    not take a message within `send_timeout` is cut off. `share` lets clients that no subgraph can tell apart share an upstream.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    max_subscriptions: int = Field(default=10_000, ge=0)
    per_client: int = Field(default=500, ge=1)
    per_connection: int = Field(default=100, ge=1)
    max_connections: int = Field(default=10_000, ge=0)
    connections_per_client: int = Field(default=200, ge=1)
    queue: int = Field(default=64, ge=1)
    patience: float = Field(default=1.0, ge=0)
    share: bool = True
    send_timeout: float = Field(default=10.0, gt=0)
    init_timeout: float = Field(default=3.0, gt=0)
    idle_timeout: float = Field(default=600.0, gt=0)
    heartbeat: float = Field(default=10.0, gt=0)
    upstream: UpstreamConfig = UpstreamConfig()


Respond = Callable[[Identity, bytes], Awaitable[GraphQLResponse]]
"""Makes the response to one event, for an identity."""


class Subscriptions:
    """Opens subscriptions within the bounds of the configuration."""

    def __init__(
        self, config: SubscriptionsConfig, identification: Identification, authorization: AuthorizationConfig
    ) -> None:
        self._enabled = config.enabled
        self._identification = identification
        self._authorization = authorization
        self._limits = StreamLimits(
            "TOO_MANY_SUBSCRIPTIONS",
            "subscriptions",
            total=config.max_subscriptions,
            per_client=config.per_client,
        )

    def check(self, request: GraphQLRequest) -> None:
        """Raises RequestRefused where the transport carries no subscriptions."""
        if request.credentials is None or not self._enabled:
            raise RequestRefused(
                "SUBSCRIPTIONS_UNSUPPORTED",
                "Subscriptions are sent over WebSocket, text/event-stream or multipart/mixed.",
                well_formed=True,
            )

    def open(
        self,
        sources: SourceStreams,
        source: CompiledFetch,
        variables: Mapping[str, Any],
        request: GraphQLRequest,
        identity: Identity,
        respond: Respond,
    ) -> ResponseStream:
        """Raises RequestRefused where the client has too many."""
        subgraph = source.fetch.subgraph
        visible = self._identification.visible_to(subgraph, request.headers, identity)
        body = request_body(source.body_prefix, used(source.fetch.variables, variables), ())
        headers = identity.headers_for(subgraph) + identity.tracing
        client = identity.token.subject if identity.token else request.client
        self._limits.admit(client)

        async def renew() -> Identity | None:
            assert request.credentials is not None
            now = request.credentials()
            try:
                renewed = await self._identification.identify_again(now)
            except RequestRefused:
                return None
            same = self._rights(renewed) == self._rights(identity)
            return renewed if same and self._identification.visible_to(subgraph, now, renewed) == visible else None

        return ResponseStream(
            sources.listen(subgraph, body, visible, headers),
            identity,
            respond=respond,
            renew=renew,
            accepted_until=self._identification.accepted_until,
            release=lambda: self._limits.release(client),
        )

    def _rights(self, identity: Identity) -> tuple[str | None, Grants]:
        """Who it is and what is granted: what a subscription was prepared for."""
        return identity.caller, grants_of(identity.token, self._authorization)


class ResponseStream:
    """The responses of one subscription. It ends with the token it was opened by, unless a new one came meanwhile."""

    def __init__(
        self,
        listener: Listener,
        identity: Identity,
        *,
        respond: Respond,
        renew: Callable[[], Awaitable[Identity | None]],
        accepted_until: Callable[[Identity], float | None],
        release: Callable[[], None],
    ) -> None:
        self._listener = listener
        self._identity = identity
        self._respond = respond
        self._renew = renew
        self._accepted_until = accepted_until
        self._release = release
        self._deadline = self._deadline_of(identity)
        self._over = self._closed = False
        SUBSCRIPTIONS.inc()

    def __aiter__(self) -> AsyncIterator[GraphQLResponse]:
        return self

    async def __anext__(self) -> GraphQLResponse:
        if self._over:
            raise StopAsyncIteration
        item = await self._next()
        if isinstance(item, bytes):
            SUBSCRIPTION_EVENTS.inc()
            return await self._answer(item)
        self._over = True
        if item.code is None:
            raise StopAsyncIteration
        SUBSCRIPTIONS_ENDED.labels(item.code).inc()
        return _ended(item.code)

    async def aclose(self) -> None:
        """Listen no more; the upstream ends with its last listener."""
        if not self._closed:
            self._over = self._closed = True
            self._listener.close()
            self._release()
            SUBSCRIPTIONS.dec()

    async def _next(self) -> Item:
        loop = asyncio.get_running_loop()
        while self._deadline is not None:
            try:
                async with asyncio.timeout_at(self._deadline):
                    item = await self._listener.next()
                if loop.time() < self._deadline or isinstance(item, StreamEnd):
                    return item
            except TimeoutError:
                item = None
            renewed = await self._renew()
            if renewed is None:
                return StreamEnd(TOKEN_EXPIRED)
            self._identity, self._deadline = renewed, self._deadline_of(renewed)
            if item is not None:
                return item
        return await self._listener.next()

    async def _answer(self, event: bytes) -> GraphQLResponse:
        try:
            return await self._respond(self._identity, event)
        except Exception:
            # A bug in one event is masked and logged like one in a request; the next event may be good.
            logger.exception("answering an event failed")
            return GraphQLResponse({"errors": [{"message": "Something went wrong.", "extensions": {"code": INTERNAL}}]})

    def _deadline_of(self, identity: Identity) -> float | None:
        """On the loop's clock."""
        until = self._accepted_until(identity)
        return None if until is None else asyncio.get_running_loop().time() + until - time()


def _ended(code: str) -> GraphQLResponse:
    message = _MESSAGES.get(code, "Something went wrong.")
    response = GraphQLResponse({"errors": [{"message": message, "extensions": {"code": code}}]})
    response.ended_by = code
    return response

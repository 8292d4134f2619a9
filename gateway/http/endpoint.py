"""The gateway as an ASGI application: the GraphQL endpoint, health and metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import Receive, Scope, Send

from gateway.errors import RequestRefused
from gateway.http.batch import answer_batch, check_batch
from gateway.http.body import read_body
from gateway.http.compression import CompressedSend, coding_for, decompressed
from gateway.http.config import HttpConfig
from gateway.http.correlation import is_correlated, new_correlation_id
from gateway.http.cors import cors_headers, preflight_headers
from gateway.http.direct import DirectLane
from gateway.http.explorer.site import Explorer
from gateway.http.framing import Framing, incremental_framing, stream_framing
from gateway.http.health import Readiness
from gateway.http.load import Load
from gateway.http.negotiation import JSON, negotiate
from gateway.http.request import (
    check_content_type,
    client_address,
    get_parameters,
    graphql_request,
    header_map,
    is_compressed,
    post_parameters,
)
from gateway.http.response import send_batch, send_bytes, send_response
from gateway.http.streaming import Connections, Edge
from gateway.http.streams import HttpStreams, is_about_shared_stream
from gateway.http.websocket import serve_websocket
from gateway.pipeline.identify import CORRELATION
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.request import GraphQLRequest, refused
from gateway.pipeline.subscriptions import SubscriptionsConfig
from gateway.security.csrf import check_origin
from gateway.security.limits import LimitsConfig, RequestBudget
from gateway.telemetry.metrics import REFUSALS
from gateway.telemetry.spans import Spans
from shared.telemetry.context import Correlation, bind

_TEXT = {"content-type": "text/plain; charset=utf-8"}

Hook = Callable[[], Awaitable[None]]


class GatewayEndpoint:
    """`on_start` and `on_stop` run when the server starts and stops. Ready from the server's start.

    With `named_by_path` a path below the endpoint's is the id of an operation. `vary` are the request headers by which an answer
    differs that others may keep, beside those of the transport.
    """

    def __init__(
        self,
        config: HttpConfig,
        pipeline: Pipeline,
        readiness: Readiness,
        *,
        limits: LimitsConfig,
        subscriptions: SubscriptionsConfig,
        on_start: Hook,
        on_stop: Hook,
        spans: Spans | None = None,
        named_by_path: bool = False,
        vary: tuple[str, ...] = (),
        explorer: Explorer | None = None,
        incremental: bool = False,
    ) -> None:
        self._config = config
        self._pipeline = pipeline
        self._readiness = readiness
        self._limits = limits
        self._body_limit = limits.body_bytes
        self._on_start = on_start
        self._on_stop = on_stop
        self._spans = spans or Spans()
        self._load = Load(config.max_in_flight)
        self.lane = DirectLane(config, pipeline, self._load, self._spans, body_limit=limits.body_bytes, vary=vary)
        self._vary = vary
        self._explorer = explorer
        self._incremental = incremental
        self._named_prefix = f"{config.path}/" if named_by_path else None
        self._edge = Edge(
            pipeline,
            subscriptions,
            Connections(subscriptions),
            counted=self._load.counted,
            posted=self._posted,
            body_limit=limits.body_bytes,
            spans=self._spans,
        )
        self._streams = HttpStreams(self._edge)

    async def settle(self, patience: float) -> None:
        """Wait until what was asked on WebSockets is answered, at most so many seconds: a server closes them as they are."""
        await self._edge.connections.settle(patience)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._websocket(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await self._on_start()
        self._readiness.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._readiness.close()
        self._streams.close()
        await self._on_stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == self._config.path:
            await self._graphql(scope, receive, send)
        elif path == "/health/live":
            await send_bytes(send, 200, b"live\n", _TEXT)
        elif path == "/health/ready":
            ready = self._readiness.ready
            await send_bytes(send, 200 if ready else 503, b"ready\n" if ready else b"not ready\n", _TEXT)
        elif self._named_prefix is not None and path.startswith(self._named_prefix):
            await self._graphql(scope, receive, send, path.removeprefix(self._named_prefix))
        elif path == self._config.metrics_path:
            await send_bytes(send, 200, generate_latest(), {"content-type": CONTENT_TYPE_LATEST})
        elif self._explorer is not None and self._explorer.serves(path):
            await self._explorer.send(scope, header_map(scope["headers"]), send)
        else:
            await send_bytes(send, 404, b"not found\n", _TEXT)

    async def _graphql(self, scope: Scope, receive: Receive, send: Send, path_id: str | None = None) -> None:
        headers = _with_correlation(header_map(scope["headers"]), self._spans)
        coding = coding_for(headers.get("accept-encoding")) if self._config.compression.responses else None
        if coding is not None:
            send = CompressedSend(send, coding, self._config.compression)
        if scope["method"] == "OPTIONS":
            await send_bytes(send, 204, b"", preflight_headers(self._config.cors, headers))
            return
        outgoing = {**cors_headers(self._config.cors, headers), CORRELATION: headers[CORRELATION]}
        media_type = negotiate(headers.get("accept"))
        framing = None
        if self._edge.config.enabled:
            if is_about_shared_stream(scope, headers):
                await self._shared_stream(scope, receive, send, headers, outgoing)
                return
            framing = stream_framing(headers.get("accept", ""))
        parts = incremental_framing(headers.get("accept", "")) if self._incremental else None
        correlation = Correlation(headers[CORRELATION], traceparent=headers.get("traceparent"))
        try:
            self._admit(headers, media_type, framing or (parts and parts[0]))
            request = await self._request(scope, receive, headers, path_id)
            if isinstance(request, GraphQLRequest) and (framing or parts):
                request.credentials = (lambda: headers) if framing else None
                request.incremental = parts[1] if parts else None
            single = request if isinstance(request, GraphQLRequest) else None
            with self._load.counted(single), bind(correlation), self._spans.request(headers):
                if isinstance(request, GraphQLRequest):
                    response = await self._pipeline.answer(request)
                    if parts is not None and (response.incremental or (media_type is None and framing is None)):
                        # As long as parts are fetched the request counts as one that is under way.
                        await self._streams.send_parts(response, parts[0], receive, send, outgoing)
                        return
                else:
                    responses = await answer_batch(self._pipeline, request)
        except RequestRefused as refusal:
            await send_response(send, refused(refusal), media_type or JSON, outgoing)
            return
        if not isinstance(request, GraphQLRequest):
            await send_batch(send, responses, media_type or JSON, outgoing)
            return
        if framing is not None and (response.events is not None or media_type is None):
            with bind(correlation), self._spans.request(headers):
                await self._streams.send(response, framing, request.client, receive, send, outgoing)
            return
        if response.max_age is not None or response.freshness is not None:
            # What anybody may keep depends on who asks, and on what travels on to the subgraphs.
            outgoing["vary"] = f"{outgoing['vary']}, {', '.join(self._vary)}"
        await send_response(send, response, media_type or JSON, outgoing, known_tag=headers.get("if-none-match"))

    def _admit(self, headers: Mapping[str, str], media_type: str | None, framing: Framing | None) -> None:
        self._load.check()
        if media_type is None and framing is None:
            raise RequestRefused("NOT_ACCEPTABLE", "Accept application/graphql-response+json.", status=406)
        if self._config.cross_site_protection:
            check_origin(headers, self._config.cors.allow_origins)

    async def _shared_stream(
        self, scope: Scope, receive: Receive, send: Send, headers: dict[str, str], outgoing: Mapping[str, str]
    ) -> None:
        try:
            if self._config.cross_site_protection:
                check_origin(headers, self._config.cors.allow_origins)
            client = client_address(scope.get("client"), headers, self._config.trusted_proxies)
            await self._streams.share(scope, receive, send, headers, client, outgoing)
        except RequestRefused as refusal:
            await send_response(send, refused(refusal), negotiate(headers.get("accept")) or JSON, outgoing)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A refused upgrade has status 403, whatever the reason: browsers do not tell it to their pages."""
        headers = header_map(scope["headers"])
        if scope["path"] != self._config.path or not self._edge.config.enabled:
            await _refuse_upgrade(receive, send)
            return
        try:
            if self._config.cross_site_protection:
                check_origin(headers, self._config.cors.allow_origins)
            client = client_address(scope.get("client"), headers, self._config.trusted_proxies)
            await serve_websocket(self._edge, scope, receive, send, headers, client)
        except RequestRefused as refusal:
            REFUSALS.labels(refusal.code).inc()
            await _refuse_upgrade(receive, send)

    async def _request(
        self, scope: Scope, receive: Receive, headers: Mapping[str, str], path_id: str | None
    ) -> GraphQLRequest | list[GraphQLRequest]:
        method = scope["method"]
        client = client_address(scope.get("client"), headers, self._config.trusted_proxies)
        if method == "GET":
            if len(scope["query_string"]) > self._body_limit:
                raise RequestRefused("PAYLOAD_TOO_LARGE", "The query string is too long.", status=413)
            return graphql_request(get_parameters(scope), headers, client, read_only=True, path_id=path_id)
        if method != "POST":
            raise RequestRefused("METHOD_NOT_ALLOWED", "Send GET or POST.", status=405)
        parameters = await self._posted(receive, headers)
        if isinstance(parameters, dict):
            return graphql_request(parameters, headers, client, read_only=False, path_id=path_id)
        if path_id is not None:
            raise RequestRefused("BAD_REQUEST", "A batch names each operation in its own entry.")
        check_batch(parameters, self._config.batch_operations)
        budget = RequestBudget(self._limits)
        return [graphql_request(item, headers, client, read_only=False, budget=budget) for item in parameters]

    async def _posted(self, receive: Receive, headers: Mapping[str, str]) -> dict[str, Any] | list[Any]:
        """The parameters in a body, or the items of a batch. Raises RequestRefused."""
        check_content_type(headers)
        compressed = is_compressed(headers, allowed=self._config.compression.requests)
        body = await read_body(receive, headers, self._body_limit, self._config.body_timeout)
        return post_parameters(decompressed(body, self._body_limit) if compressed else body)


async def _refuse_upgrade(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close"})


def _with_correlation(headers: dict[str, str], spans: Spans) -> dict[str, str]:
    """The headers with an id for the whole story, and without trace context that is not to be gone on with."""
    if not is_correlated(headers, trusts_trace=spans.trusts_clients):
        headers[CORRELATION] = new_correlation_id()
    return headers

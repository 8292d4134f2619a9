"""Subscriptions over HTTP: which requests want a stream, and what they get."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from starlette.types import Receive, Scope, Send

from gateway.errors import RequestRefused
from gateway.http.body_stream import STREAM_HEADERS, write_stream
from gateway.http.framing import EventStreamFraming, Framing
from gateway.http.negotiation import JSON, negotiate
from gateway.http.request import get_parameters
from gateway.http.response import send_bytes, send_response
from gateway.http.shared_stream import SharedStreams
from gateway.http.streaming import Edge
from gateway.pipeline.request import GraphQLResponse, ResponseEvents, refused

TOKEN_HEADER = "x-graphql-event-stream-token"  # noqa: S105 - a header's name

_TOKEN_PARAMETER = re.compile(rb"(?:^|&)token=")
_PLAIN = {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store"}


def is_about_shared_stream(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Whether a request reserves, opens or uses an event stream that is shared by several operations."""
    method = scope["method"]
    if TOKEN_HEADER in headers or method in {"PUT", "DELETE"}:
        return True
    return method == "GET" and _TOKEN_PARAMETER.search(scope["query_string"]) is not None


class HttpStreams:
    """`headers` are the request's in lower case, `outgoing` those of every answer."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._shared = SharedStreams(edge.config)

    def close(self) -> None:
        self._shared.close()

    async def send(
        self,
        response: GraphQLResponse,
        framing: Framing,
        client: str,
        receive: Receive,
        send: Send,
        outgoing: Mapping[str, str],
    ) -> None:
        """Send a subscription, or the one response to a client that takes nothing but streams."""
        if response.events is None:
            await _single(response, framing, send, outgoing)
            return
        try:
            await self._subscription(response.events, framing, client, receive, send, outgoing)
        except RequestRefused as refusal:
            await send_response(send, refused(refusal), JSON, outgoing)
        finally:
            await response.events.aclose()

    async def send_parts(
        self,
        response: GraphQLResponse,
        framing: Framing,
        receive: Receive,
        send: Send,
        outgoing: Mapping[str, str],
    ) -> None:
        """Send an answer that comes in parts, or in one to a client that takes nothing else."""
        if response.events is None:
            await _single(response, framing, send, outgoing)
            return
        try:
            await self._write(receive, send, _framed(response.events, framing), framing, outgoing, response.headers)
        finally:
            await response.events.aclose()

    async def share(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: dict[str, str],
        client: str,
        outgoing: Mapping[str, str],
    ) -> None:
        """Answer what `is_about_shared_stream`. Raises RequestRefused as long as nothing was sent."""
        method = scope["method"]
        parameters = await self._parameters(scope, receive, headers)
        token = headers.get(TOKEN_HEADER) or str(parameters.get("token"))
        match method:
            case "PUT":
                await self._reserve(send, headers, client, outgoing)
            case "GET":
                await self._connect(token, receive, send, outgoing)
            case "DELETE":
                self._shared.get(token).end(str(parameters.get("operationId")))
                await send_bytes(send, 200, b"", {**outgoing, **_PLAIN})
            case _:
                await self._add(token, parameters, send, headers, client, outgoing)

    async def _parameters(self, scope: Scope, receive: Receive, headers: Mapping[str, str]) -> dict[str, Any]:
        match scope["method"]:
            case "GET" | "DELETE":
                if len(scope["query_string"]) > self._edge.body_limit:
                    raise RequestRefused("PAYLOAD_TOO_LARGE", "The query string is too long.", status=413)
                return get_parameters(scope)
            case "POST":
                posted = await self._edge.posted(receive, headers)
                if isinstance(posted, list):
                    raise RequestRefused("BATCHING_UNSUPPORTED", "A stream is asked for by one operation a request.")
                return posted
            case "PUT":
                return {}
            case _:
                raise RequestRefused("METHOD_NOT_ALLOWED", "Send GET or POST.", status=405)

    async def _reserve(self, send: Send, headers: Mapping[str, str], client: str, outgoing: Mapping[str, str]) -> None:
        await self._edge.pipeline.check_credentials(headers, client)
        token = self._shared.reserve(self._edge.connections.enter("sse_single", client))
        await send_bytes(send, 201, token.encode(), {**outgoing, **_PLAIN})

    async def _connect(self, token: str, receive: Receive, send: Send, outgoing: Mapping[str, str]) -> None:
        stream = self._shared.get(token)
        chunks = stream.connect()
        try:
            await self._write(receive, send, chunks, EventStreamFraming(), outgoing)
        finally:
            stream.close()

    async def _add(
        self,
        token: str,
        parameters: dict[str, Any],
        send: Send,
        headers: dict[str, str],
        client: str,
        outgoing: Mapping[str, str],
    ) -> None:
        stream = self._shared.get(token)
        extensions = parameters.get("extensions")
        id_ = stream.claim(extensions.get("operationId") if isinstance(extensions, dict) else None)
        try:
            with self._edge.story(headers) as own:
                response = await self._edge.answer(parameters, own, client, credentials=lambda: own)
                if response.refusal is None:
                    await stream.carry(id_, response)
        except BaseException:
            stream.unclaim(id_)
            raise
        if response.refusal is not None:
            stream.unclaim(id_)
            await send_response(send, response, negotiate(headers.get("accept")) or JSON, outgoing)
            return
        await send_bytes(send, 202, b"", {**outgoing, **_PLAIN})

    async def _subscription(
        self,
        events: ResponseEvents,
        framing: Framing,
        client: str,
        receive: Receive,
        send: Send,
        outgoing: Mapping[str, str],
    ) -> None:
        leave = self._edge.connections.enter(framing.name, client)
        try:
            await self._write(receive, send, _framed(events, framing), framing, outgoing)
        finally:
            leave()

    async def _write(
        self,
        receive: Receive,
        send: Send,
        chunks: AsyncIterator[bytes],
        framing: Framing,
        outgoing: Mapping[str, str],
        more: Sequence[tuple[str, str]] = (),
    ) -> None:
        await write_stream(
            receive,
            send,
            chunks,
            {**outgoing, **STREAM_HEADERS, "content-type": framing.content_type},
            heartbeat=framing.heartbeat,
            interval=self._edge.config.heartbeat,
            send_timeout=self._edge.config.send_timeout,
            more=more,
        )


async def _framed(events: ResponseEvents, framing: Framing) -> AsyncIterator[bytes]:
    last: GraphQLResponse | None = None
    yield framing.opening
    async for response in events:
        last = response
        yield framing.event(response)
    if closing := framing.closing(last):
        yield closing


async def _single(response: GraphQLResponse, framing: Framing, send: Send, outgoing: Mapping[str, str]) -> None:
    """One response as a stream. Where the request itself was refused, what matters is the status."""
    if response.refusal is not None and not response.refusal.well_formed:
        await send_response(send, response, JSON, outgoing)
        return
    body = framing.opening + framing.event(response) + framing.closing(response)
    headers = {**outgoing, **STREAM_HEADERS, "content-type": framing.content_type}
    await send_bytes(send, 200, body, headers, response.headers)

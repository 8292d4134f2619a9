"""GraphQL over WebSocket: the protocol `graphql-transport-ws`, with queries and mutations beside subscriptions.

Close codes beside the protocol's own: 1012 where the client should come back at once and subscribe again (a new supergraph,
a stop), 4403 for a token that is not good or has expired, 1000 for a connection on which nothing happened for long.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn

import orjson
from starlette.types import Receive, Scope, Send

from gateway.errors import RequestRefused
from gateway.http.streaming import RESTARTS, Edge, headers_in
from gateway.pipeline.request import GraphQLResponse
from gateway.pipeline.subscriptions import TOKEN_EXPIRED

logger = logging.getLogger(__name__)

SUBPROTOCOL = "graphql-transport-ws"

_ENDS_CONNECTION = {TOKEN_EXPIRED: 4403, **dict.fromkeys(RESTARTS, 1012)}

_REFUSED = {400: 4400, 401: 4403, 403: 4403}
"""Close codes for a refused sign-in by HTTP status; 1013, "try again later", for the others."""

_LONGEST_ID = 256
_LONGEST_REASON = 120
"""Bytes of a close frame's reason: a control frame holds 125, two of them the code (RFC 6455 section 5.5)."""


class _Close(Exception):
    """The connection is to be closed; without a code the client is gone already."""

    def __init__(self, code: int | None = None, reason: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:_LONGEST_REASON].decode(errors="ignore")


async def serve_websocket(
    edge: Edge, scope: Scope, receive: Receive, send: Send, headers: dict[str, str], client: str
) -> None:
    """Serve one connection from its upgrade to its end. Raises RequestRefused where there are too many."""
    leave = edge.connections.enter("websocket", client)
    try:
        connection = _Connection(edge, receive, send, headers, client)
        await connection.run(SUBPROTOCOL in scope["subprotocols"])
    finally:
        leave()


class _Connection:
    def __init__(self, edge: Edge, receive: Receive, send: Send, headers: dict[str, str], client: str) -> None:
        self._edge = edge
        self._config = edge.config
        self._receive = receive
        self._send = send
        self._headers = headers
        self._client = client
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._answering: set[str] = set()
        self._answered = asyncio.Event()
        self._closing = False

    async def run(self, spoken: bool) -> None:
        close = _Close(1011, "INTERNAL_SERVER_ERROR")
        try:
            await self._accept(spoken)
            await self._initialise()
            async with asyncio.TaskGroup() as tasks:
                while True:
                    await self._take(await self._message(), tasks)
        except* _Close as group:
            close = _first(group)
        except* Exception:
            logger.exception("a WebSocket connection failed")
        if close.code is not None:
            with suppress(_Close):
                await self._post({"type": "websocket.close", "code": close.code, "reason": close.reason})

    # from the client
    async def _accept(self, spoken: bool) -> None:
        await self._receive()
        await self._post({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if spoken else None})
        if not spoken:
            raise _Close(4406, "Subprotocol not acceptable")

    async def _initialise(self) -> None:
        try:
            async with asyncio.timeout(self._config.init_timeout):
                while (message := await self._message())["type"] != "connection_init":
                    if message["type"] == "subscribe":
                        raise _Close(4401, "Unauthorized")
                    await self._take_other(message)
        except TimeoutError as error:
            raise _Close(4408, "Connection initialisation timeout") from error
        await self._sign_in(message.get("payload"))
        await self._say({"type": "connection_ack"})

    async def _sign_in(self, payload: object) -> None:
        """Take on the headers in a payload, if the token among them is good."""
        try:
            headers = {**self._headers, **headers_in(payload)}
            await self._edge.pipeline.check_credentials(headers, self._client)
        except RequestRefused as refusal:
            code = _REFUSED.get(refusal.status, 1013)
            raise _Close(code, f"{refusal.code}: {refusal.message}") from refusal
        self._headers = headers

    async def _message(self) -> dict[str, Any]:
        received = await self._received()
        if received["type"] == "websocket.disconnect":
            raise _Close
        text = received.get("text")
        try:
            message = orjson.loads(text or "")
        except orjson.JSONDecodeError as error:
            raise _Close(4400, "Invalid message: it must be JSON text") from error
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise _Close(4400, "Invalid message: it must be an object with a type")
        return message

    async def _received(self) -> Mapping[str, Any]:
        while True:
            try:
                async with asyncio.timeout(self._config.idle_timeout):
                    return await self._receive()
            except TimeoutError:
                if not self._operations:
                    raise _Close(1000, "Idle for too long") from None

    async def _take(self, message: dict[str, Any], tasks: asyncio.TaskGroup) -> None:
        match message["type"]:
            case "subscribe":
                await self._subscribe(message, tasks)
            case "connection_init":
                raise _Close(4429, "Too many initialisation requests")
            case _:
                await self._take_other(message)

    async def _take_other(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "ping":
                payload = message.get("payload")
                if isinstance(payload, dict) and ("headers" in payload or "authorization" in payload):
                    # The protocol lets a connection sign in once; a payload of a ping may renew what it signed in with.
                    await self._sign_in(payload)
                await self._say({"type": "pong"} if payload is None else {"type": "pong", "payload": payload})
            case "pong":
                pass
            case "complete":
                operation = self._operations.pop(_id(message), None)
                if operation is not None:
                    operation.cancel()
            case _:
                raise _Close(4400, "Invalid message: its type is not known")

    async def _subscribe(self, message: dict[str, Any], tasks: asyncio.TaskGroup) -> None:
        id_, payload = _id(message), message.get("payload")
        if not isinstance(payload, dict):
            raise _Close(4400, "Invalid message: the payload must be an object")
        if id_ in self._operations:
            raise _Close(4409, f"Subscriber for {id_} already exists")
        if self._closing:
            return  # The client is about to connect again and to ask again for what has no answer.
        if len(self._operations) >= self._config.per_connection:
            refusal = RequestRefused("TOO_MANY_SUBSCRIPTIONS", "Too many operations on this connection: end one first.")
            await self._say({"id": id_, "type": "error", "payload": refusal.entries})
            return
        self._operations[id_] = tasks.create_task(self._operate(id_, payload, self._headers))

    # to the client
    async def _operate(self, id_: str, payload: dict[str, Any], headers: dict[str, str]) -> None:
        self._answering.add(id_)
        self._edge.connections.asked()
        try:
            with self._edge.story(headers) as own:
                response = await self._answer(payload, own)
                if response.events is None:
                    await self._finish(id_, response)
                    return
                try:
                    if not response.incremental:
                        self._no_longer_answering(id_)
                    await self._pass_on(id_, response)
                finally:
                    await response.events.aclose()
        finally:
            self._no_longer_answering(id_)
            if self._operations.get(id_) is asyncio.current_task():
                del self._operations[id_]

    async def _answer(self, payload: dict[str, Any], headers: dict[str, str]) -> GraphQLResponse:
        try:
            return await self._edge.answer(
                payload, headers, self._client, credentials=lambda: {**headers, **self._headers}
            )
        except RequestRefused as refusal:
            return GraphQLResponse({}, refusal)

    async def _finish(self, id_: str, response: GraphQLResponse) -> None:
        """The one response of a query or mutation, or why there is none."""
        self._operations.pop(id_, None)
        if response.refusal is not None:
            await self._say({"id": id_, "type": "error", "payload": response.refusal.entries})
            return
        await self._say({"id": id_, "type": "next", "payload": response.payload})
        await self._say({"id": id_, "type": "complete"})

    async def _pass_on(self, id_: str, subscription: GraphQLResponse) -> None:
        assert subscription.events is not None
        async for response in subscription.events:
            if response.ended_by is not None and response.ended_by in _ENDS_CONNECTION:
                await self._close_when_answered(_ENDS_CONNECTION[response.ended_by], response.ended_by)
            await self._say({"id": id_, "type": "next", "payload": response.payload})
        self._operations.pop(id_, None)
        await self._say({"id": id_, "type": "complete"})

    async def _close_when_answered(self, code: int, reason: str) -> NoReturn:
        """Close once every query and mutation has its answer: clients send again what had none, and a mutation must not be."""
        self._closing = True
        while self._answering:
            self._answered.clear()
            await self._answered.wait()
        raise _Close(code, reason)

    def _no_longer_answering(self, id_: str) -> None:
        if id_ in self._answering:
            self._answering.discard(id_)
            self._edge.connections.answered()
            self._answered.set()

    async def _say(self, message: Mapping[str, Any]) -> None:
        await self._post({"type": "websocket.send", "text": orjson.dumps(message).decode()})

    async def _post(self, message: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(self._config.send_timeout):
                await self._send(message)
        except OSError as error:
            # A timeout: the client takes nothing any more, a close frame included. Otherwise it is gone, as uvicorn says it.
            raise _Close from error


def _id(message: Mapping[str, Any]) -> str:
    id_ = message.get("id")
    if not isinstance(id_, str) or not 0 < len(id_) <= _LONGEST_ID:
        raise _Close(4400, "Invalid message: the id must be a text")
    return id_


def _first(group: BaseExceptionGroup[_Close]) -> _Close:
    """The first cause, wherever it lies; a connection is closed once."""
    (first, *_) = group.exceptions
    return first if isinstance(first, _Close) else _first(first)

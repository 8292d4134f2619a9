"""graphql-sse's single connection mode: one event stream, reserved by PUT, carries the operations that POST adds and DELETE ends.

It lies in this process alone: several gateways behind one address need a balancer that sends one client to one of them.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable

import orjson

from gateway.errors import RequestRefused
from gateway.http.streaming import RESTARTS
from gateway.pipeline.request import GraphQLResponse
from gateway.pipeline.subscriptions import SubscriptionsConfig

RESERVED_SECONDS = 30.0
"""How long a reservation waits for its event stream."""

_LONGEST_ID = 256


class SharedStreams:
    """The event streams by their tokens."""

    def __init__(self, config: SubscriptionsConfig) -> None:
        self._config = config
        self._streams: dict[str, SharedStream] = {}

    def reserve(self, leave: Callable[[], None]) -> str:
        """A token for one event stream; `leave` is called when it is over."""
        token = secrets.token_urlsafe(32)

        def over() -> None:
            if self._streams.pop(token, None) is not None:
                leave()

        self._streams[token] = SharedStream(self._config, over)
        return token

    def get(self, token: str) -> SharedStream:
        """Raises RequestRefused, status 404."""
        stream = self._streams.get(token)
        if stream is None:
            raise RequestRefused("STREAM_NOT_FOUND", "There is no event stream of this token.", status=404)
        return stream

    def close(self) -> None:
        """End the reservations nobody came for, and what runs on them."""
        for stream in tuple(self._streams.values()):
            stream.close()


class SharedStream:
    """One event stream and its operations. What it is not yet rid of is bounded: operations wait, and then lose events."""

    def __init__(self, config: SubscriptionsConfig, over: Callable[[], None]) -> None:
        self._most = config.per_connection
        self._over = over
        self._messages: asyncio.Queue[bytes | None] = asyncio.Queue(config.queue)
        self._operations: dict[str, asyncio.Task[None] | None] = {}
        self._connected = False
        self._expiry = asyncio.get_running_loop().call_later(RESERVED_SECONDS, self.close)

    def connect(self) -> AsyncIterator[bytes]:
        """What goes out on the event stream. Raises RequestRefused, status 409, where there is one already."""
        if self._connected:
            raise RequestRefused("STREAM_TAKEN", "The event stream of this token is open already.", status=409)
        self._connected = True
        self._expiry.cancel()
        return self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        yield b":\n\n"
        while (message := await self._messages.get()) is not None:
            yield message

    def claim(self, id_: object) -> str:
        """Take an operation's id. Raises RequestRefused: 400 for what is no id, 409 for one in use, 429 for one too many."""
        if not isinstance(id_, str) or not 0 < len(id_) <= _LONGEST_ID:
            raise RequestRefused("BAD_REQUEST", "The parameter extensions.operationId must be a text.")
        if id_ in self._operations:
            raise RequestRefused("OPERATION_EXISTS", "An operation of this id is under way.", status=409)
        if len(self._operations) >= self._most:
            raise RequestRefused(
                "TOO_MANY_SUBSCRIPTIONS", "Too many operations on this stream: end one first.", status=429
            )
        self._operations[id_] = None
        return id_

    def unclaim(self, id_: str) -> None:
        self._operations.pop(id_, None)

    async def carry(self, id_: str, response: GraphQLResponse) -> None:
        """Send the responses of a claimed operation on the event stream from now on."""
        if id_ not in self._operations:
            # Ended by its client, or with the whole stream, while it was prepared.
            if response.events is not None:
                await response.events.aclose()
            return
        self._operations[id_] = asyncio.create_task(self._send(id_, response))

    def end(self, id_: str) -> None:
        """End an operation, if it is under way."""
        operation = self._operations.pop(id_, None)
        if operation is not None:
            operation.cancel()

    def close(self) -> None:
        """End all operations and the stream."""
        self._expiry.cancel()
        for id_ in tuple(self._operations):
            self.end(id_)
        self._over()

    async def _send(self, id_: str, response: GraphQLResponse) -> None:
        last = response
        if response.events is None:
            await self._next(id_, response)
        else:
            try:
                async for last in response.events:
                    await self._next(id_, last)
            finally:
                await response.events.aclose()
        self._operations.pop(id_, None)
        if last.ended_by in RESTARTS:
            # The client comes back for all of its operations when the stream ends without their completion.
            await self._messages.put(None)
        else:
            await self._messages.put(b"event: complete\ndata: %b\n\n" % orjson.dumps({"id": id_}))

    async def _next(self, id_: str, response: GraphQLResponse) -> None:
        message = orjson.dumps({"id": id_, "payload": response.payload})
        await self._messages.put(b"event: next\ndata: %b\n\n" % message)

"""uvicorn's HTTP protocol with a lane beside ASGI: for requests that arrive whole, on a connection that does nothing else.

uvicorn keeps its part: connections, pipelining, flow control, timeouts, shutdown, upgrades. Around a small answer its ASGI
cycle costs as much as the answer.
"""

from __future__ import annotations

import logging
from asyncio import Event, Task, TimerHandle
from collections.abc import Awaitable
from typing import Any, ClassVar, Protocol

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

logger = logging.getLogger(__name__)

RawHeaders = list[tuple[bytes, bytes]]


class Lane(Protocol):
    """Takes POSTs to `path`, of `body_limit` bytes at most. What it gives None for goes by ASGI."""

    path: bytes
    body_limit: int

    def sender(self, raw: RawHeaders, peer: tuple[str, int] | None) -> Any: ...

    def answer(self, sender: Any, body: bytes) -> Awaitable[bytes] | None: ...


class _Exchange:
    """One request on the lane, in the place of uvicorn's cycle; the names are uvicorn's."""

    __slots__ = ("disconnected", "keep_alive", "message_event", "response_complete")

    def __init__(self) -> None:
        self.disconnected = False
        self.keep_alive = True
        self.message_event = Event()
        self.response_complete = False


class DirectProtocol(HttpToolsProtocol):
    """Serves `lane` and, for all else, uvicorn's application."""

    lane: ClassVar[Lane]

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._length: bytes | None = None
        self._known: RawHeaders | None = None
        self._sender: Any = None
        self._direct = False
        self._body: list[bytes] = []
        self._idle_since = 0.0
        self._alarm: TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._direct:
            # The body is still under way: uvicorn has what it takes to wait for it.
            self._by_asgi()

    def connection_lost(self, exc: Exception | None) -> None:
        self._direct = False
        if self._alarm is not None:
            self._alarm.cancel()
        super().connection_lost(exc)

    # httptools callbacks
    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._length = None
        self._body = []

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"content-length":
            self._length = value
        else:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if not self._is_plain():
            self._by_asgi()
            return
        if self.headers != self._known:
            self._known = self.headers
            self._sender = self.lane.sender(self.headers, self.client)
        if self._sender is None:
            self._by_asgi()
        else:
            self._direct = True

    def on_body(self, body: bytes) -> None:
        if self._direct:
            self._body.append(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._direct:
            super().on_message_complete()
            return
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        answer = self.lane.answer(self._sender, body)
        if answer is None:
            self._by_asgi()
            super().on_message_complete()
            return
        self._direct = False
        exchange = self.cycle = _Exchange()  # type: ignore[assignment]
        task: Task[None] = self.loop.create_task(self._serve(exchange, answer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _is_plain(self) -> bool:
        parser = self.parser
        return (
            self.url == self.lane.path
            and (self.cycle is None or self.cycle.response_complete)
            and self._length is not None
            and int(self._length) <= self.lane.body_limit
            and parser.get_method() == b"POST"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
        )

    def _by_asgi(self) -> None:
        """Hand the request to uvicorn, as if it had just come."""
        self._direct = False
        url, headers = self.url, self.headers
        if self._length is not None:
            headers = [*headers, (b"content-length", self._length)]
        super().on_message_begin()
        self.url = url
        for name, value in headers:
            super().on_header(name, value)
        super().on_headers_complete()
        body, self._body = self._body, []
        for part in body:
            super().on_body(part)

    async def _serve(self, exchange: _Exchange, answer: Awaitable[bytes]) -> None:
        try:
            response = await answer
            if self.flow.write_paused:
                await self.flow.drain()
        except BaseException as error:
            if isinstance(error, Exception):
                logger.exception("a request failed")
            self.transport.close()
            if not isinstance(error, Exception):
                raise
            return
        exchange.response_complete = True
        if exchange.disconnected or self.transport.is_closing():
            return
        self.transport.write(response)
        if exchange.keep_alive:
            self._rest()
        else:
            # The server is about to stop.
            self.transport.close()

    def _rest(self) -> None:
        """Go on with what was sent meanwhile, or wait for the next request, but not for ever."""
        self.server_state.total_requests += 1
        if self.pipeline:
            self.on_response_complete()
            return
        self._idle_since = self.loop.time()
        if self._alarm is None:
            self._alarm = self.loop.call_later(self.timeout_keep_alive, self._look)

    def _look(self) -> None:
        """One timer for many requests: it looks how long the connection has been idle, and comes back if that was short."""
        self._alarm = None
        if self.transport.is_closing() or self.timeout_keep_alive_task is not None:
            return
        busy = self._direct or (self.cycle is not None and not self.cycle.response_complete)
        left = self.timeout_keep_alive - (0 if busy else self.loop.time() - self._idle_since)
        if left > 0:
            self._alarm = self.loop.call_later(left, self._look)
        else:
            self.transport.close()


def direct_protocol(lane: Lane) -> type[HttpToolsProtocol]:
    """The protocol class by which uvicorn serves `lane`."""
    return type("LaneProtocol", (DirectProtocol,), {"lane": lane})

"""A bare HTTP/1.1 server on asyncio and httptools: what an answer costs where nothing but HTTP is done."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import cast

import httptools
import uvloop

Handler = Callable[[str, bytes], bytes | Awaitable[bytes]]
"""From path and body to the JSON body of the answer, at once or later."""


class _Connection(asyncio.Protocol):
    """One connection, one request at a time: pipelining is nothing that a gateway does."""

    def __init__(self, handler: Handler, running: set[asyncio.Task[None]]) -> None:
        self._handler = handler
        self._running = running
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._path = ""
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are none by inheritance.

    def connection_lost(self, _exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if self._transport is not None:
                self._transport.close()

    # httptools callbacks
    def on_message_begin(self) -> None:
        self._body = b""

    def on_url(self, url: bytes) -> None:
        self._path = url.decode("ascii")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        answer = self._handler(self._path, self._body)
        if isinstance(answer, bytes):
            self._send(answer)
            return
        task = asyncio.ensure_future(self._later(answer))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _later(self, answer: Awaitable[bytes]) -> None:
        self._send(await answer)

    def _send(self, body: bytes) -> None:
        if self._transport is not None:
            head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
            self._transport.write(head + body)


async def _serve(port: int, handler: Handler) -> None:
    loop = asyncio.get_running_loop()
    running: set[asyncio.Task[None]] = set()
    server = await loop.create_server(lambda: _Connection(handler, running), "127.0.0.1", port, backlog=256)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
    server.close()


def serve(port: int, handler: Handler) -> None:
    """Serve on 127.0.0.1 until a signal comes."""
    uvloop.run(_serve(port, handler))

"""Opens subscriptions at subgraphs: one POST, answered by server-sent events (graphql-sse, distinct connections).

Each has a connection of its own, for as long as it lasts. A connection that has brought more than is taken is not read from.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator
from typing import cast

import httptools
from pydantic import BaseModel, ConfigDict, Field

from gateway.executor.event_stream import EventStreamParser, EventTooLarge, ServerEvent
from gateway.executor.subgraph_client import Endpoint, TransportError, TransportFault

EVENT_STREAM = "text/event-stream"

_MOST_WAITING = 32
"""Events of one connection that wait to be taken before no more is read; one chunk may bring more at once."""

_LARGEST_HEAD = 64 * 1024


class UpstreamConfig(BaseModel):
    """How subscriptions are read from subgraphs. Times in seconds, sizes in bytes.

    A subgraph that sends neither event nor heartbeat for `silence_timeout` is taken for gone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    connect_timeout: float = Field(default=2.0, gt=0)
    answer_timeout: float = Field(default=15.0, gt=0)
    silence_timeout: float = Field(default=30.0, gt=0)
    event_bytes: int = Field(default=1024 * 1024, ge=1024)


class SubscriptionClient:
    """Opens streams of results."""

    def __init__(self, config: UpstreamConfig, *, tls: ssl.SSLContext | None = None) -> None:
        self._config = config
        self._tls = tls or True
        """For https; True trusts as the system does."""

    async def open(self, endpoint: Endpoint, body: bytes, headers: bytes) -> ResultStream:
        """Subscribe; `headers` are whole header lines, each ended by CRLF. Raises TransportError."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._config.connect_timeout):
                _, connection = await loop.create_connection(
                    lambda: _StreamConnection(loop, self._config.event_bytes),
                    endpoint.host,
                    endpoint.port,
                    ssl=self._tls if endpoint.tls else None,
                )
        except (OSError, TimeoutError) as error:
            raise TransportError(TransportFault.CONNECT, str(error) or "timed out") from error
        try:
            async with asyncio.timeout(self._config.answer_timeout):
                await connection.send(b"%bcontent-length: %d\r\n%b\r\n%b" % (endpoint.head, len(body), headers, body))
        except TimeoutError as error:
            connection.close()
            raise TransportError(TransportFault.TIMEOUT, "no answer in time") from error
        except BaseException:
            connection.close()
            raise
        return ResultStream(connection, self._config.silence_timeout)


class ResultStream:
    """The results of one subscription as JSON texts. Call `close` when done."""

    def __init__(self, connection: _StreamConnection, silence_timeout: float) -> None:
        self._connection = connection
        self._silence_timeout = silence_timeout

    async def results(self) -> AsyncIterator[bytes]:
        """Until the subgraph completes; what it answered instead of a stream is the only one.

        Raises TransportError where the stream is lost.
        """
        if not self._connection.is_event_stream:
            yield await self._connection.whole_body(self._silence_timeout)
            return
        while True:
            event = await self._connection.next(self._silence_timeout)
            if event.name == b"complete":
                return
            if event.name == b"next":
                yield event.data

    def close(self) -> None:
        self._connection.close()


class _StreamConnection(asyncio.Protocol):
    """One connection for one request whose answer does not end soon."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int) -> None:
        self._loop = loop
        self._limit = limit
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._events = EventStreamParser(limit)
        self._waiting: deque[ServerEvent] = deque()
        self._answered: asyncio.Future[None] = loop.create_future()
        self._news = asyncio.Event()
        self._error: TransportError | None = None
        self._complete = self._paused = False
        self._head_size = 0
        self._heard_at = loop.time()
        self._headers: dict[bytes, bytes] = {}
        self._body = bytearray()
        self.is_event_stream = False

    async def send(self, request: bytes) -> None:
        """Send the request and wait for the head of the answer. Raises TransportError."""
        assert self._transport is not None
        self._transport.write(request)
        await self._answered

    async def next(self, silence_timeout: float) -> ServerEvent:
        """The next event. Raises TransportError where none comes any more, or nothing for `silence_timeout` seconds."""
        while not self._waiting:
            if self._error is not None or self._complete:
                raise self._error or TransportError(TransportFault.CLOSED, "ended before it was complete")
            await self._wait(silence_timeout)
        event = self._waiting.popleft()
        if self._paused and len(self._waiting) <= _MOST_WAITING // 2:
            self._paused = False
            self._heard_at = self._loop.time()
            assert self._transport is not None
            self._transport.resume_reading()
        return event

    async def whole_body(self, silence_timeout: float) -> bytes:
        """The body of an answer that is no stream. Raises TransportError."""
        while not self._complete:
            if self._error is not None:
                raise self._error
            await self._wait(silence_timeout)
        content_type = self._headers.get(b"content-type", b"")
        if b"json" not in content_type:
            raise TransportError(
                TransportFault.PROTOCOL, f"status {self._parser.get_status_code()}, neither stream nor JSON"
            )
        return bytes(self._body)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def _wait(self, silence_timeout: float) -> None:
        self._news.clear()
        while not self._news.is_set():
            try:
                async with asyncio.timeout_at(self._heard_at + silence_timeout):
                    await self._news.wait()
            except TimeoutError as error:
                # Heartbeats are heard without being news.
                if self._loop.time() >= self._heard_at + silence_timeout:
                    raise TransportError(TransportFault.TIMEOUT, "silent for too long") from error

    # asyncio.Protocol
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are none by inheritance.

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        if not self._answered.done():
            self._head_size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(TransportError(TransportFault.PROTOCOL, str(error.__context__ or error)))
        if self._head_size > _LARGEST_HEAD and not self._answered.done():
            self._fail(TransportError(TransportFault.TOO_LARGE, "head exceeds the size limit"))

    def connection_lost(self, exc: Exception | None) -> None:
        framed = b"content-length" in self._headers or b"transfer-encoding" in self._headers
        if self._answered.done() and exc is None and not framed:
            self._complete = True  # RFC 9112 section 6.3: without a length the body ends with the connection.
            self._news.set()
            return
        self._fail(TransportError(TransportFault.CLOSED, str(exc) if exc else "closed by the other side"))

    # httptools callbacks
    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        if self._parser.get_status_code() < 200:
            self._headers = {}
            return  # An interim answer (RFC 9110 section 15.2): the final one follows.
        media_type = self._headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        self.is_event_stream = media_type == EVENT_STREAM.encode() and self._parser.get_status_code() == 200
        if not self._answered.done():
            self._answered.set_result(None)

    def on_body(self, body: bytes) -> None:
        if not self.is_event_stream:
            self._body += body
            if len(self._body) > self._limit:
                self._fail(TransportError(TransportFault.TOO_LARGE, "answer exceeds the size limit"))
            else:
                self._news.set()
            return
        try:
            events = self._events.feed(body)
        except EventTooLarge:
            self._fail(TransportError(TransportFault.TOO_LARGE, "event exceeds the size limit"))
            return
        if not events or self._error is not None:
            return
        self._waiting.extend(events)
        self._news.set()
        if len(self._waiting) > _MOST_WAITING and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() >= 200:
            self._complete = True
            self._news.set()

    def _fail(self, error: TransportError) -> None:
        """The first failure counts; what was read before it is still taken."""
        self.close()
        if self._error is None and not self._complete:
            self._error = error
        if not self._answered.done():
            self._answered.set_exception(error)
        self._news.set()

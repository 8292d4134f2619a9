"""A lean HTTP/1.1 client for subgraphs: keep-alive pools on asyncio and httptools, nothing that a gateway does not need.

An operation makes several small requests to a handful of hosts. What counts is the processor time of each, so the request
head is bytes that were made once, and a connection is a protocol object without streams in between.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import httptools
from pydantic import BaseModel, ConfigDict, Field

from shared.tls import TlsFiles, client_context

_HEAD_ALLOWANCE = 64 * 1024
"""Bytes of status line, headers and chunk framing that an answer may carry beside its body."""


_LENGTHS = frozenset({b"content-length", b"transfer-encoding"})


class TransportConfig(BaseModel):
    """How subgraphs are called. Times in seconds, sizes in bytes.

    `tls_…` are PEM files for https: `tls_authorities` vouch for the servers, in place of the system's; with the certificate
    and its key the gateway says who it is, where a server asks. Renewed files are taken in while it runs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    connections_per_host: int = Field(default=100, ge=1)
    connect_timeout: float = Field(default=2.0, gt=0)
    request_timeout: float = Field(default=15.0, gt=0)
    idle_timeout: float = Field(default=4.0, gt=0, description="Below the keep-alive time of the subgraphs' servers")
    max_response_bytes: int = Field(default=16 * 1024 * 1024, ge=1024)
    tls_authorities: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_key_password: str | None = None

    @property
    def tls(self) -> TlsFiles:
        return TlsFiles(self.tls_certificate, self.tls_key, self.tls_key_password, self.tls_authorities)

    def model_post_init(self, _context: object) -> None:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together")


class TransportFault(StrEnum):
    CONNECT = "connect"
    TIMEOUT = "timeout"
    CLOSED = "closed"
    TOO_LARGE = "too_large"
    PROTOCOL = "protocol"
    CIRCUIT_OPEN = "circuit_open"


class TransportError(Exception):
    """No usable answer came. `unanswered`: the connection closed before one byte of the answer arrived."""

    def __init__(self, fault: TransportFault, detail: str, *, unanswered: bool = False) -> None:
        super().__init__(f"{fault.value}: {detail}")
        self.fault = fault
        self.detail = detail
        self.unanswered = unanswered


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One URL and the request head for it, ready to send but for the length and the headers of the single request.

    `timeout` in seconds goes over the client's own.
    """

    host: str
    port: int
    tls: bool
    head: bytes
    timeout: float | None = None

    @classmethod
    def of(
        cls,
        url: str,
        *,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Endpoint:
        """Raises ValueError for anything but an absolute http or https URL."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"not an absolute http(s) URL: {url!r}")
        tls = parts.scheme == "https"
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = {"host": parts.netloc.rpartition("@")[2], **(headers or {})}
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        port = parts.port or (443 if tls else 80)
        return cls(host=parts.hostname, port=port, tls=tls, head=head.encode("ascii"), timeout=timeout)


@dataclass(slots=True)  # Not frozen: making one would take four times as long, and one is made for every request.
class HttpAnswer:
    """`raw` are the header lines as they came, read only where somebody asks for them."""

    status: int
    raw: Sequence[tuple[bytes, bytes]]
    body: bytes

    @property
    def lines(self) -> list[tuple[str, str]]:
        """All header lines in order, with names in lower case."""
        return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in self.raw]

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers by name in lower case; of a repeated one the last stays."""
        return dict(self.lines)


class _Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, max_body: int) -> None:
        self._loop = loop
        self._max_bytes = max_body + _HEAD_ALLOWANCE
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[HttpAnswer] | None = None
        self._received = 0
        self._lines: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self.closed = False
        self.reusable = True
        self.idle_since = 0.0

    async def send(self, request: bytes, deadline: float) -> HttpAnswer:
        """Send one request and wait for its answer until `deadline` on the loop's clock. Raises TransportError."""
        assert self._transport is not None
        if self.closed:
            raise TransportError(TransportFault.CLOSED, "closed before the request", unanswered=True)
        self._received = 0
        self._answer = self._loop.create_future()
        self._transport.write(request)
        timer = self._loop.call_at(deadline, self._expire)
        try:
            return await self._answer
        finally:
            timer.cancel()
            self._answer = None

    def _expire(self) -> None:
        self._fail(TransportError(TransportFault.TIMEOUT, "no answer in time"))

    def close(self) -> None:
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are none by inheritance.

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            self.close()  # A byte nobody asked for would be taken for the next answer.
            return
        self._received += len(data)
        if self._received > self._max_bytes:
            self._fail(TransportError(TransportFault.TOO_LARGE, "answer exceeds the size limit"))
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(TransportError(TransportFault.PROTOCOL, str(error)))

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self._answer is None or self._answer.done():
            return
        if self._lines and exc is None and not any(name.lower() in _LENGTHS for name, _ in self._lines):
            self.on_message_complete()  # RFC 9112 section 6.3: without a length the body ends with the connection.
            return
        detail = str(exc) if exc else "closed by the other side"
        self._fail(TransportError(TransportFault.CLOSED, detail, unanswered=self._received == 0))

    # httptools callbacks
    def on_message_begin(self) -> None:
        self._lines = []
        self._body = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self._lines.append((name, value))

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200 or self._answer is None:
            return  # An interim answer (RFC 9110 section 15.2): the final one follows.
        if self._answer.done():
            self.reusable = False  # A second answer to one request: what follows cannot be told apart.
            return
        self.reusable = self._parser.should_keep_alive()
        body = self._body
        self._answer.set_result(HttpAnswer(status, self._lines, body[0] if len(body) == 1 else b"".join(body)))

    def _fail(self, error: TransportError) -> None:
        self.close()
        # Transport, parser and protocol know one another: what they hold would wait for the collector.
        self._body = []
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)


class _Pool:
    """The connections to one host: the most recently used first, so that what is idle grows old and is dropped."""

    def __init__(
        self, config: TransportConfig, loop: asyncio.AbstractEventLoop, tls: ssl.SSLContext | None = None
    ) -> None:
        self._config = config
        self._tls = tls
        self._loop = loop
        self._idle: deque[_Connection] = deque()
        self._free = config.connections_per_host
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def send(self, endpoint: Endpoint, request: bytes, *, idempotent: bool) -> HttpAnswer:
        deadline = self._loop.time() + (endpoint.timeout or self._config.request_timeout)
        if self._free:
            self._free -= 1
        else:
            await self._turn(deadline)
        try:
            kept = self._find_idle()
            if kept is not None:
                try:
                    return await self._exchange(kept, request, deadline)
                except TransportError as error:
                    if not (idempotent and error.unanswered):
                        raise
            return await self._exchange(await self._connect(endpoint, deadline), request, deadline)
        finally:
            self._leave()

    async def _turn(self, deadline: float) -> None:
        """Wait for another request to end; it hands its place on. Raises TransportError."""
        turn = self._loop.create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout_at(deadline):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._leave()  # The place came at the last moment, and nobody is here to take it.
            if isinstance(error, TimeoutError):
                raise TransportError(TransportFault.TIMEOUT, "no connection became free in time") from error
            raise

    def _leave(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    async def _exchange(self, connection: _Connection, request: bytes, deadline: float) -> HttpAnswer:
        try:
            answer = await connection.send(request, deadline)
        except BaseException:
            connection.close()  # Cancelled or failed: an answer may still be under way on it.
            raise
        if connection.reusable and not connection.closed:
            connection.idle_since = self._loop.time()
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    def _find_idle(self) -> _Connection | None:
        oldest = self._loop.time() - self._config.idle_timeout
        while self._idle and (self._idle[0].closed or self._idle[0].idle_since < oldest):
            self._idle.popleft().close()
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and connection.idle_since >= oldest:
                return connection
            connection.close()
        return None

    async def _connect(self, endpoint: Endpoint, deadline: float) -> _Connection:
        until = min(deadline, self._loop.time() + self._config.connect_timeout)
        try:
            async with asyncio.timeout_at(until):
                _, connection = await self._loop.create_connection(
                    lambda: _Connection(self._loop, self._config.max_response_bytes),
                    endpoint.host,
                    endpoint.port,
                    ssl=self._tls,
                )
        except (OSError, TimeoutError) as error:
            raise TransportError(TransportFault.CONNECT, str(error) or "timed out") from error
        return connection


class SubgraphClient:
    """Sends requests over one pool a host. Call `close` when done.

    `tls` is for https; where it is not given, the files of `config` make one. Raises OSError where they cannot be used.
    """

    def __init__(self, config: TransportConfig | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self._config = config or TransportConfig()
        self._tls = tls or client_context(self._config.tls)
        self._pools: dict[tuple[str, int, bool], _Pool] = {}

    async def send(
        self, endpoint: Endpoint, body: bytes = b"", *, headers: bytes = b"", idempotent: bool = True
    ) -> HttpAnswer:
        """The answer, whatever its status. `headers` are whole header lines, each ended by CRLF.

        Raises TransportError. An idempotent request is sent once more where a kept connection turned out to be closed
        before a byte of the answer came; nothing else is retried.
        """
        # With `tls`: a connection in plain text never carries what is to be encrypted.
        pool = self._pools.get((endpoint.host, endpoint.port, endpoint.tls))
        if pool is None:
            pool = _Pool(self._config, asyncio.get_running_loop(), self._tls if endpoint.tls else None)
            self._pools[(endpoint.host, endpoint.port, endpoint.tls)] = pool
        request = b"%bcontent-length: %d\r\n%b\r\n%b" % (endpoint.head, len(body), headers, body)
        return await pool.send(endpoint, request, idempotent=idempotent)

    def close(self) -> None:
        """Drop the idle connections. Requests under way end on their own."""
        for pool in self._pools.values():
            pool.close()


def header_lines(headers: Mapping[str, str]) -> bytes:
    """Header lines for `send`. A value with a line break or outside Latin-1 is left out: it could not be sent as one header."""
    lines = []
    for name, value in headers.items():
        if "\r" in value or "\n" in value or "\0" in value:
            continue
        try:
            lines.append(f"{name}: {value}\r\n".encode("latin-1"))
        except UnicodeEncodeError:
            continue
    return b"".join(lines)

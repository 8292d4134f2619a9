"""The load: a fixed number of clients on keep-alive connections to one loopback port, each asking again when answered.

Bounded in time and in number, and never sent anywhere but to 127.0.0.1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import cast

import httptools
import orjson

MOST_REQUESTS = 200_000


@dataclass(slots=True)
class Load:
    """What came of it. `seconds` holds one latency an answer; `wrong` counts answers that were not the expected bytes."""

    seconds: list[float] = field(default_factory=list)
    wrong: int = 0
    elapsed: float = 0.0

    @property
    def requests(self) -> int:
        return len(self.seconds)


def request_bytes(port: int, query: str, headers: Mapping[str, str]) -> bytes:
    """A whole HTTP request."""
    body = orjson.dumps({"query": query})
    lines = {"host": f"127.0.0.1:{port}", "content-type": "application/json", "accept": "application/json", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return b"POST /graphql HTTP/1.1\r\n%bcontent-length: %d\r\n\r\n%b" % (head.encode("ascii"), len(body), body)


class _Client(asyncio.Protocol):
    def __init__(self, request: bytes, expected: bytes | None, load: Load, until: float, most: int) -> None:
        self._request = request
        self._expected = expected
        self._load = load
        self._until = until
        self._left = most
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._body: list[bytes] = []
        self._started = 0.0
        self.body = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed a connection"))

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        now = perf_counter()
        self._load.seconds.append(now - self._started)
        self.body = b"".join(self._body)
        if self._parser.get_status_code() != 200 or (self._expected is not None and self.body != self._expected):
            self._load.wrong += 1
        self._left -= 1
        if now < self._until and self._left > 0:
            self._ask()
        elif not self.done.done():
            self.done.set_result(None)

    def _ask(self) -> None:
        assert self._transport is not None
        self._body = []
        self._started = perf_counter()
        self._transport.write(self._request)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def ask_once(port: int, request: bytes) -> bytes:
    """The body of one answer. Raises ConnectionError where nobody answers."""
    _, client = await asyncio.get_running_loop().create_connection(
        lambda: _Client(request, None, Load(), 0.0, 1), "127.0.0.1", port
    )
    async with asyncio.timeout(30):
        await client.done
    client.close()
    return client.body


async def run_load(
    port: int, request: bytes, expected: bytes, *, clients: int, seconds: float, most: int = MOST_REQUESTS
) -> Load:
    """`clients` ask for `seconds` or until `most` requests are answered in all."""
    loop = asyncio.get_running_loop()
    load = Load()
    started = perf_counter()
    until, each = started + seconds, max(1, min(most, MOST_REQUESTS) // clients)
    connected: list[_Client] = []
    for _ in range(clients):
        _, client = await loop.create_connection(
            lambda: _Client(request, expected, load, until, each), "127.0.0.1", port
        )
        connected.append(client)
    await asyncio.gather(*(client.done for client in connected))
    load.elapsed = perf_counter() - started
    for client in connected:
        client.close()
    return load

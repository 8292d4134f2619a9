"""The transport against servers that behave well, badly and not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from gateway.executor.subgraph_client import (
    Endpoint,
    SubgraphClient,
    TransportConfig,
    TransportError,
    TransportFault,
    header_lines,
)

Handler = Callable[[int, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


class Server:
    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.connections = 0
        self.requests: list[bytes] = []

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self.handler(self.connections, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def read(self, reader: asyncio.StreamReader) -> None:
        """Read one request whole and keep it."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
        self.requests.append(head + await reader.readexactly(length))


@asynccontextmanager
async def served(
    handler: Handler, config: TransportConfig | None = None
) -> AsyncIterator[tuple[Server, SubgraphClient, Endpoint]]:
    server = Server(handler)
    listening = await asyncio.start_server(server.accept, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    client = SubgraphClient(config)
    endpoint = Endpoint.of(f"http://127.0.0.1:{port}/graphql?x=1", headers={"content-type": "application/json"})
    try:
        yield server, client, endpoint
    finally:
        client.close()
        listening.close()


async def fault_of(client: SubgraphClient, endpoint: Endpoint, *, idempotent: bool = True) -> TransportFault:
    with pytest.raises(TransportError) as failed:
        await client.send(endpoint, b"{}", idempotent=idempotent)
    return failed.value.fault


def answering(*answers: bytes) -> Handler:
    """Answers the requests of each connection in turn, then closes it."""

    async def handle(_number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(length)
            writer.write(answer)
            await writer.drain()

    return handle


async def test_a_request_is_sent_whole_and_the_connection_is_used_again() -> None:
    async def handle(_number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await server.read(reader)
            writer.write(OK)

    async with served(handle) as (server, client, endpoint):
        for _ in range(3):
            answer = await client.send(endpoint, b'{"query":"{a}"}', headers=header_lines({"x-a": "1"}))
        assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"{}", "application/json")
        assert server.connections == 1
        assert server.requests[0].startswith(b"POST /graphql?x=1 HTTP/1.1\r\nhost: 127.0.0.1:")
        assert server.requests[0].endswith(b'content-length: 15\r\nx-a: 1\r\n\r\n{"query":"{a}"}')


async def test_concurrent_requests_stay_within_the_cap() -> None:
    open_now = most = 0
    gate = asyncio.Event()

    async def handle(_number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        if most == 2:
            gate.set()
        await gate.wait()
        await answering(OK, OK, OK, OK, OK)(0, reader, writer)
        open_now -= 1

    async with served(handle, TransportConfig(connections_per_host=2)) as (server, client, endpoint):
        answers = await asyncio.gather(*(client.send(endpoint, b"{}") for _ in range(6)))
        assert [answer.body for answer in answers] == [b"{}"] * 6
        assert (most, server.connections) == (2, 2)


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", b"abc"),
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabc", b"abc"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", b"abc"),
        (b"HTTP/1.1 500 Oops\r\ncontent-length: 3\r\n\r\nabc", b"abc"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", b""),
    ],
)
async def test_every_framing_of_an_answer_is_understood(raw: bytes, body: bytes) -> None:
    async with served(answering(raw)) as (_server, client, endpoint):
        assert (await client.send(endpoint, b"{}")).body == body


async def test_a_kept_connection_that_died_costs_a_query_nothing() -> None:
    died = asyncio.Event()

    async def handle(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read(reader)
        writer.write(OK)
        if number == 1:
            # Take the second request and close without a byte of an answer.
            await server.read(reader)
            writer.close()
            died.set()

    async with served(handle) as (server, client, endpoint):
        await client.send(endpoint, b"{}")
        assert (await client.send(endpoint, b"{}")).status == 200
        assert died.is_set()
        assert server.connections == 2


async def test_a_mutation_is_never_sent_twice() -> None:
    async def handle(_number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read(reader)
        writer.write(OK)
        await server.read(reader)

    async with served(handle) as (server, client, endpoint):
        await client.send(endpoint, b"{}", idempotent=False)
        assert await fault_of(client, endpoint, idempotent=False) is TransportFault.CLOSED
        assert len(server.requests) == 2


async def test_an_answer_that_breaks_off_is_not_asked_for_again() -> None:
    async with served(answering(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc")) as (server, client, endpoint):
        assert await fault_of(client, endpoint) is TransportFault.CLOSED
        assert server.connections == 1


async def test_what_is_not_http_is_a_protocol_fault() -> None:
    async with served(answering(b"220 smtp.test ESMTP\r\n")) as (_server, client, endpoint):
        assert await fault_of(client, endpoint) is TransportFault.PROTOCOL


async def test_an_answer_over_the_limit_is_cut_off_while_it_arrives() -> None:
    written = 0

    async def handle(_number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await server.read(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            written += 65536
            await writer.drain()

    async with served(handle, TransportConfig(max_response_bytes=100_000)) as (server, client, endpoint):
        assert await fault_of(client, endpoint) is TransportFault.TOO_LARGE
        assert written < 50_000_000


async def test_silence_is_a_timeout_and_its_connection_is_not_used_again() -> None:
    async def handle(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read(reader)
        if number > 1:
            writer.write(OK)
        await reader.read()

    async with served(handle, TransportConfig(request_timeout=0.3)) as (server, client, endpoint):
        assert await fault_of(client, endpoint) is TransportFault.TIMEOUT
        assert (await client.send(endpoint, b"{}")).status == 200
        assert server.connections == 2


async def test_nobody_listening_is_a_connect_fault() -> None:
    async with served(answering(OK)) as (_server, client, endpoint):
        nowhere = Endpoint.of("http://127.0.0.1:1/")
        assert await fault_of(client, nowhere) is TransportFault.CONNECT
        assert (await client.send(endpoint, b"{}")).status == 200


async def test_bytes_after_the_answer_never_become_the_next_answer() -> None:
    async with served(answering(OK + OK.replace(b"{}", b"[]"), OK)) as (_server, client, endpoint):
        assert (await client.send(endpoint, b"{}")).body == b"{}"
        assert (await client.send(endpoint, b"{}")).body == b"{}"


@pytest.mark.parametrize("url", ["ftp://x/", "/graphql", "http://", "x"])
def test_only_absolute_http_urls_are_endpoints(url: str) -> None:
    with pytest.raises(ValueError, match="not an absolute"):
        Endpoint.of(url)


def test_a_header_value_cannot_smuggle_a_header() -> None:
    assert header_lines({"a": "1", "b": "x\r\ny: 2", "c": "☃", "d": "æ"}) == "a: 1\r\nd: æ\r\n".encode("latin-1")

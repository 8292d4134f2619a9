"""Event streams from a subgraph, byte by byte, on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from gateway.executor.subgraph_client import Endpoint, TransportError, TransportFault
from gateway.executor.subscription_client import ResultStream, SubscriptionClient, UpstreamConfig

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\r\n"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def subscribed(serve: Serve, **config: float) -> AsyncIterator[ResultStream]:
    """A stream of what `serve` writes once the request was read."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        assert request.startswith(b"POST /graphql HTTP/1.1\r\n")
        assert b"\r\ncontent-length: 2\r\nx-who: me\r\n\r\n" in request
        assert await reader.readexactly(2) == b"{}"
        try:
            await serve(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = SubscriptionClient(UpstreamConfig.model_validate(config))
    endpoint = Endpoint.of(f"http://127.0.0.1:{port}/graphql")
    try:
        stream = await client.open(endpoint, b"{}", b"x-who: me\r\n")
        try:
            yield stream
        finally:
            stream.close()
    finally:
        server.close()
        await server.wait_closed()


def writing(*parts: bytes) -> Serve:
    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)

    return serve


def event(data: bytes) -> bytes:
    return b"event: next\ndata: %b\n\n" % data


async def test_results_come_until_the_completion_and_nothing_after_it() -> None:
    other = b"\nevent: other\ndata: 2\n\n"
    late = b"event: complete\ndata:\n\n" + event(b"4")
    serve = writing(HEAD, b":\n\neve", b"nt: next\ndata: 1\n", other, event(b"3"), late)
    async with subscribed(serve) as stream:
        assert [result async for result in stream.results()] == [b"1", b"3"]


async def test_an_interim_answer_and_chunked_framing_do_not_matter() -> None:
    chunked = HEAD.replace(b"\r\n\r\n", b"\r\ntransfer-encoding: chunked\r\n\r\n")
    body = event(b"1") + b"event: complete\n\n"
    serve = writing(
        b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n", chunked, b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    )
    async with subscribed(serve) as stream:
        assert [result async for result in stream.results()] == [b"1"]


@pytest.mark.parametrize("end", [b"", b"event: complete\ndata:"])
async def test_a_stream_that_ends_before_it_is_complete_is_lost_after_its_results(end: bytes) -> None:
    async with subscribed(writing(HEAD, event(b"1"), end)) as stream:
        results = aiter(stream.results())
        assert await anext(results) == b"1"
        with pytest.raises(TransportError) as lost:
            await anext(results)
        assert lost.value.fault is TransportFault.CLOSED


async def test_an_answer_that_is_no_stream_is_the_only_result() -> None:
    refused = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    async with subscribed(writing(refused)) as stream:
        assert [result async for result in stream.results()] == [b"{}"]


async def test_a_page_in_the_place_of_an_answer_is_a_failure() -> None:
    page = b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 3\r\n\r\n<p>"
    async with subscribed(writing(page)) as stream:
        with pytest.raises(TransportError) as failure:
            await anext(aiter(stream.results()))
        assert failure.value.detail == "status 502, neither stream nor JSON"


async def test_heartbeats_keep_a_stream_and_silence_ends_it() -> None:
    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        for _ in range(6):
            await asyncio.sleep(0.1)
            writer.write(b":\n\n")
        writer.write(event(b"1"))
        await asyncio.sleep(30)

    async with subscribed(serve, silence_timeout=0.4) as stream:
        results = aiter(stream.results())
        assert await anext(results) == b"1"
        with pytest.raises(TransportError) as lost:
            await anext(results)
        assert lost.value.fault is TransportFault.TIMEOUT


async def test_who_does_not_take_what_comes_reads_no_more_of_it() -> None:
    # given a subgraph that sends without end
    sent = 0

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(HEAD)
        while True:
            writer.write(event(b"%d" % sent + b" " * 10_000))
            await writer.drain()
            sent += 1

    async with subscribed(serve) as stream:
        # when one event is taken and then none for a while
        results = aiter(stream.results())
        assert int(await anext(results)) == 0
        before = -1
        while sent != before:
            before = sent
            assert sent < 10_000
            await asyncio.sleep(0.1)

        # then the sockets are full, and all of it comes in order once it is taken
        for number in range(1, before + 100):
            assert int(await anext(results)) == number


async def test_nobody_there_is_a_failure_to_connect() -> None:
    with pytest.raises(TransportError) as failure:
        await SubscriptionClient(UpstreamConfig()).open(Endpoint.of("http://127.0.0.1:1/graphql"), b"{}", b"")
    assert failure.value.fault is TransportFault.CONNECT


async def test_a_subgraph_that_never_answers_is_given_up() -> None:
    async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    with pytest.raises(TransportError) as failure:
        async with subscribed(serve, answer_timeout=0.05):
            pass
    assert failure.value.fault is TransportFault.TIMEOUT

"""The lane beside ASGI, over a real socket: what goes by it, what does not, and that no client can tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from gateway.http.protocol import DirectProtocol, RawHeaders, direct_protocol


def answer(text: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-length: {len(text)}\r\n\r\n{text}".encode()


class TellingLane:
    """Answers who was asked. Bodies that say so are not plain, wait, or fail."""

    path = b"/lane"
    body_limit = 100

    def __init__(self) -> None:
        self.asked: list[RawHeaders] = []
        self.go_on = asyncio.Event()
        self.waiting = asyncio.Event()

    def sender(self, raw: RawHeaders, _peer: tuple[str, int] | None) -> str | None:
        self.asked.append(raw)
        headers = dict(raw)
        return None if b"by-asgi" in headers else headers.get(b"name", b"").decode()

    def answer(self, sender: str, body: bytes) -> Awaitable[bytes] | None:
        return None if body == b"by asgi" else self._answer(sender, body)

    async def _answer(self, sender: str, body: bytes) -> bytes:
        if body == b"wait":
            self.waiting.set()
            await self.go_on.wait()
        if body == b"fail":
            raise RuntimeError("a bug")
        return answer(f"lane {sender} {body.decode()}")


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    text = b"asgi %b %b" % (scope["method"].encode(), body)
    headers = [(b"content-length", b"%d" % len(text)), *((n, v) for n, v in scope["headers"] if n == b"name")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text})


async def until(holds: Callable[[], bool]) -> None:
    """Look again and again; the test's own limit ends it."""
    while not holds():  # noqa: ASYNC110 - uvicorn tells nobody
        await asyncio.sleep(0.002)


@asynccontextmanager
async def serving(lane: TellingLane, **more: Any) -> AsyncIterator[uvicorn.Server]:
    config = uvicorn.Config(
        asgi, port=0, http=direct_protocol(lane), lifespan="off", log_config=None, access_log=False, **more
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve())
    await until(lambda: server.started)
    try:
        yield server
    finally:
        server.should_exit = True
        await running


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def of(cls, server: uvicorn.Server) -> AsyncIterator[Client]:
        client = cls(*await asyncio.open_connection(*server.servers[0].sockets[0].getsockname()[:2]))
        try:
            yield client
        finally:
            client.close()
            await client.closed()

    async def ask(self, body: str, *lines: str, path: str = "/lane", method: str = "POST") -> str:
        self.send(body, *lines, path=path, method=method)
        return await self.read()

    def send(self, body: str, *lines: str, path: str = "/lane", method: str = "POST") -> None:
        head = "".join(f"{line}\r\n" for line in (f"{method} {path} HTTP/1.1", f"content-length: {len(body)}", *lines))
        self.raw(f"{head}\r\n{body}")

    def raw(self, text: str) -> None:
        self._writer.write(text.encode())

    async def read(self) -> str:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length: ")[1].split("\r\n")[0])
        return (await self._reader.readexactly(length)).decode()

    async def ended(self) -> bytes:
        return await self._reader.read()

    def close(self) -> None:
        self._writer.close()

    async def closed(self) -> None:
        with suppress(ConnectionError):
            await self._writer.wait_closed()


async def test_whole_posts_to_the_path_go_by_the_lane_and_all_else_by_asgi() -> None:
    lane = TellingLane()
    async with serving(lane) as server, Client.of(server) as client:
        answers = [
            await client.ask("1", "name: a"),
            await client.ask("2", "name: a", path="/other"),
            await client.ask("3", "name: a", method="PUT"),
            await client.ask("4", "by-asgi: yes"),
            await client.ask("by asgi", "name: a"),
            await client.ask("x" * 101, "name: a"),
            await client.ask("5", "name: b"),
        ]
        client.close()
    by_asgi = ["POST 2", "PUT 3", "POST 4", "POST by asgi", f"POST {'x' * 101}"]
    assert answers == ["lane a 1", *(f"asgi {text}" for text in by_asgi), "lane b 5"]


async def test_headers_are_read_once_for_requests_that_send_the_same() -> None:
    lane = TellingLane()
    async with serving(lane) as server, Client.of(server) as client:
        assert [await client.ask(body, "name: a") for body in ("1", "22", "333")] == [
            "lane a 1",
            "lane a 22",
            "lane a 333",
        ]
        assert await client.ask("4", "name: b") == "lane b 4"
    assert lane.asked == [[(b"name", b"a")], [(b"name", b"b")]]


async def test_a_body_that_comes_in_pieces_is_waited_for_by_asgi() -> None:
    async with serving(TellingLane()) as server, Client.of(server) as client:
        client.raw("POST /lane HTTP/1.1\r\nname: a\r\ncontent-length: 4\r\n\r\nab")
        await until(lambda: bool(server.server_state.tasks))
        client.raw("cd")
        assert await client.read() == "asgi POST abcd"
        client.raw("POST /lane HTTP/1.1\r\nname: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n")
        assert await client.read() == "asgi POST ab"
        client.close()


async def test_pipelined_requests_are_answered_in_their_order() -> None:
    lane = TellingLane()
    async with serving(lane) as server, Client.of(server) as client:
        client.send("wait")
        client.send("second")
        client.send("third", path="/other")
        await lane.waiting.wait()
        lane.go_on.set()
        answers = [await client.read() for _ in range(3)]
        assert [text.split()[-1] for text in answers] == ["wait", "second", "third"]
        assert await client.ask("4") == "lane  4"
        client.close()


async def test_a_stop_lets_a_request_finish_and_then_closes_the_connection() -> None:
    lane = TellingLane()
    async with serving(lane) as server, Client.of(server) as client:
        client.send("wait")
        await lane.waiting.wait()
        server.should_exit = True
        await until(lambda: not server.servers[0].is_serving())
        lane.go_on.set()
        assert await client.read() == "lane  wait"
        assert await client.ended() == b""


async def test_a_bug_closes_the_connection_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(TellingLane()) as server, Client.of(server) as client:
        client.send("fail")
        assert await client.ended() == b""
    assert "a request failed" in caplog.text


async def test_a_client_that_goes_away_leaves_nothing_behind() -> None:
    lane = TellingLane()
    async with serving(lane) as server, Client.of(server) as client:
        client.send("wait")
        await lane.waiting.wait()
        client.close()
        await until(lambda: not server.server_state.connections)
        lane.go_on.set()
        await until(lambda: not server.server_state.tasks)


async def test_an_idle_connection_is_closed_and_a_busy_one_is_not() -> None:
    lane = TellingLane()
    async with serving(lane, timeout_keep_alive=1) as server, Client.of(server) as client:
        assert await client.ask("1") == "lane  1"
        (connection,) = server.server_state.connections
        assert isinstance(connection, DirectProtocol)
        # Given that it has been idle for less than the bound, and then for longer
        connection._look()
        assert not connection.transport.is_closing()
        client.send("wait")
        await lane.waiting.wait()
        connection._idle_since -= 5
        connection._look()
        assert not connection.transport.is_closing()
        lane.go_on.set()
        assert await client.read() == "lane  wait"
        connection._idle_since -= 5
        connection._look()
        assert await client.ended() == b""

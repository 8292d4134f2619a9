"""A federation on loopback ports: the subgraphs behind one server, the gateway behind another, real HTTP in between."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import uvicorn
from graphql import ExecutionResult
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.app import build_gateway
from gateway.http.endpoint import GatewayEndpoint
from gateway.http.protocol import direct_protocol
from gateway.settings import Settings
from gateway.supergraph.source import SupergraphFile
from tests.conformance.subgraph import Subgraph

FIXTURES = Path(__file__).parent / "fixtures"


@dataclass(frozen=True, slots=True)
class Federation:
    """`ask` sends an operation to the gateway; `counts` says how many requests each subgraph got since the last `ask`.

    `fixture` is the name of what is served, `labels` are the override labels that are on for every request,
    `urls` where the subgraphs are.
    """

    fixture: str
    labels: tuple[str, ...]
    subgraphs: Mapping[str, Subgraph]
    client: httpx.AsyncClient
    urls: Mapping[str, str]

    async def ask(
        self, query: str, variables: Mapping[str, Any] | None = None, *, headers: Mapping[str, str] | None = None
    ) -> Any:
        for subgraph in self.subgraphs.values():
            subgraph.requests.clear()
            subgraph.headers.clear()
        answer = await self.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        return answer.json()

    @property
    def counts(self) -> dict[str, int]:
        return {name: len(subgraph.requests) for name, subgraph in self.subgraphs.items() if subgraph.requests}


@asynccontextmanager
async def federation(
    name: str,
    subgraphs: Mapping[str, Subgraph],
    settings: Mapping[str, Any] | None = None,
    *,
    down: frozenset[str] = frozenset(),
    file: SupergraphFile | None = None,
) -> AsyncIterator[Federation]:
    """Serve the fixture `name`, whose composed supergraph lies beside its subgraphs' SDL. Nobody listens where `down` are.

    With `file` that is the supergraph, and it is watched.
    """
    supergraph = file.read() if file else (FIXTURES / name / "supergraph.graphql").read_text(encoding="utf-8")
    async with serve(_subgraphs_app(subgraphs)) as base:
        nowhere = f"http://127.0.0.1:{_closed_port()}"
        urls = {subgraph: f"{nowhere if subgraph in down else base}/{subgraph}" for subgraph in subgraphs}
        complete = Settings.model_validate({**(settings or {}), "subgraph_urls": urls})
        gateway = build_gateway(supergraph, complete, file)
        async with serve(gateway.app) as url, httpx.AsyncClient(base_url=url, timeout=30) as client:
            yield Federation(name, complete.pipeline.override_labels, subgraphs, client, urls)


def sdl(name: str, subgraph: str) -> str:
    """The SDL of one subgraph of a fixture."""
    return (FIXTURES / name / f"{subgraph}.graphql").read_text(encoding="utf-8")


@asynccontextmanager
async def serve(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an application on a free loopback port; gives its URL."""
    config = uvicorn.Config(
        app,
        http=direct_protocol(app.lane) if isinstance(app, GatewayEndpoint) else "auto",
        host="127.0.0.1",
        port=0,
        log_config=None,
        access_log=False,
        lifespan="auto",
        ws="websockets-sansio",
        ws_max_size=100_000,
        ws_per_message_deflate=False,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())
    try:
        while not server.started:
            assert not serving.done(), "the server did not start"
            await asyncio.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


def _closed_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def _subgraphs_app(subgraphs: Mapping[str, Subgraph]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        subgraph = subgraphs[scope["path"].strip("/")]
        if headers.get("accept") == "text/event-stream":
            outcome = await subgraph.events(body, headers)
            if not isinstance(outcome, ExecutionResult):
                await _stream(outcome, receive, send)
                return
            await _answer(send, 200, orjson.dumps(outcome.formatted), [])
            return
        status, answer = await subgraph.answer(body, headers)
        await _answer(send, status, answer, [(name.encode(), value.encode()) for name, value in subgraph.answers_with])

    return app


async def _answer(send: Send, status: int, body: bytes, more: Sequence[tuple[bytes, bytes]]) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _stream(results: AsyncIterator[ExecutionResult], receive: Receive, send: Send) -> None:
    """Send the results as server-sent events until they end or the gateway goes away."""

    async def write() -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b":\n\n", "more_body": True})
        async for result in results:
            event = b"event: next\ndata: %b\n\n" % orjson.dumps(result.formatted)
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"event: complete\ndata:\n\n"})

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    tasks = {asyncio.create_task(write()), asyncio.create_task(gone())}
    done, left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await results.aclose()  # type: ignore[attr-defined]
    for task in done:
        task.result()

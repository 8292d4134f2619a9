"""The gateway as a process of its own: the command line, readiness and a stop that loses nothing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from gateway.cli import main
from gateway.http.websocket import SUBPROTOCOL
from tests.conformance.federation import FIXTURES, serve
from tests.conformance.subgraph import Subgraph
from tests.conformance.subscriptions.market import market, socket_to

SUPERGRAPH = FIXTURES / "shared_roots" / "supergraph.graphql"
SDL = (FIXTURES / "shared_roots" / "one.graphql").read_text()
STOPS = "This server stops. Subscribe again, and read again what events may have been missed."
ROOT = Path(__file__).parents[3]


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@asynccontextmanager
async def gateway(
    folder: Path, *, supergraph: Path = SUPERGRAPH, **sections: Any
) -> AsyncIterator[tuple[Process, str]]:
    port = free_port()
    config = folder / "gateway.yaml"
    config.write_text(yaml.safe_dump(sections))
    arguments = ["--supergraph", str(supergraph), "--config", str(config), "--port", str(port)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", *arguments, cwd=ROOT, stdout=PIPE, stderr=PIPE, env=dict(os.environ)
    )
    url = f"http://127.0.0.1:{port}"
    try:
        await until_ready(process, url)
        yield process, url
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def until_ready(process: Process, url: str) -> None:
    async with httpx.AsyncClient() as client:
        for _ in range(600):
            assert process.returncode is None, await process.communicate()
            try:
                if (await client.get(f"{url}/health/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)
    pytest.fail("the gateway did not get ready")


async def test_a_signal_ends_readiness_first_and_lets_requests_finish(tmp_path: Path) -> None:
    started, release = asyncio.Event(), asyncio.Event()

    async def here(_root: object, _info: object) -> str:
        started.set()
        await release.wait()
        return "late"

    subgraph = Subgraph(SDL, {"Query.here": here})

    async def app(scope: object, receive: object, send: object) -> None:
        await subgraph_app(subgraph, scope, receive, send)

    async with serve(app) as base:
        sections: dict[str, Any] = {"subgraph_urls": {"one": base, "two": base}, "http": {"shutdown_delay": 2.0}}
        async with gateway(tmp_path, **sections) as (process, url), httpx.AsyncClient(base_url=url) as client:
            pending = asyncio.create_task(client.post("/graphql", json={"query": "{ here }"}))
            await started.wait()

            process.send_signal(signal.SIGTERM)
            assert await status_after_change(client, "/health/ready") == 503
            assert (await client.get("/health/live")).status_code == 200
            # Who asks meanwhile is answered, and told that the next request goes elsewhere.
            answer = await client.post("/graphql", json={"query": "{ __typename }"})
            assert answer.json() == {"data": {"__typename": "Query"}}
            assert answer.headers["connection"] == "close"
            release.set()

            assert (await pending).json() == {"data": {"here": "late"}}
            assert await process.wait() == 0


async def test_a_stop_ends_subscriptions_at_once_so_that_clients_go_elsewhere(tmp_path: Path) -> None:
    supergraph = FIXTURES / "subscriptions" / "supergraph.graphql"
    query = "subscription { lastPrice }"
    stopped = {"message": STOPS, "extensions": {"code": "SHUTTING_DOWN"}}
    async with (
        market() as shop,
        gateway(tmp_path, supergraph=supergraph, subgraph_urls=shop.graph.urls) as (process, url),
        connect(f"{url.replace('http', 'ws', 1)}/graphql", subprotocols=[Subprotocol(SUBPROTOCOL)], proxy=None) as ws,
        httpx.AsyncClient(base_url=url, timeout=20) as client,
    ):
        await ws.send('{"type": "connection_init"}')
        assert await ws.recv() == '{"type":"connection_ack"}'
        await ws.send(json.dumps({"type": "subscribe", "id": "a", "payload": {"query": query}}))
        headers = {"accept": "text/event-stream"}
        async with client.stream("POST", "/graphql", json={"query": query}, headers=headers) as answer:
            chunks = answer.aiter_text()
            assert await anext(chunks) == ":\n\n"
            await shop.last.until(1)

            process.send_signal(signal.SIGTERM)
            assert json.loads((await anext(chunks)).removeprefix("event: next\ndata: ")) == {"errors": [stopped]}
            assert [chunk async for chunk in chunks] == []
        await ws.wait_closed()
        assert ws.close_code == 1012
        assert await process.wait() == 0
        await shop.last.until(0)


async def test_a_stop_waits_for_the_answers_on_websockets(tmp_path: Path) -> None:
    started, release = asyncio.Event(), asyncio.Event()

    async def set_price(_root: object, _info: object, **named: Any) -> dict[str, Any]:
        started.set()
        await release.wait()
        return {"price": named["price"], "product": {"id": named["id"]}}

    supergraph = FIXTURES / "subscriptions" / "supergraph.graphql"
    query = "mutation { setPrice(id: 1, price: 3) { price } }"
    async with (
        market(set_price=set_price) as shop,
        gateway(tmp_path, supergraph=supergraph, subgraph_urls=shop.graph.urls) as (process, url),
        connect(f"{url.replace('http', 'ws', 1)}/graphql", subprotocols=[Subprotocol(SUBPROTOCOL)], proxy=None) as ws,
        httpx.AsyncClient(base_url=url, timeout=20) as client,
    ):
        await ws.send('{"type": "connection_init"}')
        assert await ws.recv() == '{"type":"connection_ack"}'
        await ws.send(json.dumps({"type": "subscribe", "id": "m", "payload": {"query": query}}))
        await started.wait()
        process.send_signal(signal.SIGTERM)
        await until_closed(client)
        release.set()
        answer = {"id": "m", "type": "next", "payload": {"data": {"setPrice": {"price": 3}}}}
        assert json.loads(await ws.recv()) == answer
        await ws.wait_closed()
        assert ws.close_code == 1012
        assert await process.wait() == 0


async def test_a_client_that_reads_nothing_holds_no_connection(tmp_path: Path) -> None:
    supergraph = FIXTURES / "subscriptions" / "supergraph.graphql"
    query = "subscription { priceChanged(id: 1) { product { id } } }"
    settings = {"http": {"unread_timeout": 0.5}, "subscriptions": {"queue": 2, "patience": 0.1, "send_timeout": 0.2}}
    async with (
        market() as shop,
        gateway(tmp_path, supergraph=supergraph, subgraph_urls=shop.graph.urls, **settings) as (process, url),
        socket_to(f"{url}/graphql") as ws,
    ):
        await ws.subscribe("a", query)
        await shop.prices.until(1)
        ws.connection.transport.pause_reading()
        for price in range(150):
            shop.change(price, product="x" * 100_000)
        await shop.prices.until(0)

        # then the socket goes too, although its client has not read what was written
        port = ws.connection.local_address[1]
        for _ in range(1000):
            held = psutil.Process(process.pid).net_connections()
            if not any(connection.raddr and connection.raddr.port == port for connection in held):
                break
            await asyncio.sleep(0.02)
        else:
            pytest.fail("the connection is still there")
        ws.connection.transport.abort()


async def until_closed(client: httpx.AsyncClient) -> None:
    """Wait until nobody listens any more."""
    while True:
        try:
            async with client.stream("GET", "/health/live", headers={"connection": "close"}):
                pass
        except httpx.TransportError:
            return


async def status_after_change(client: httpx.AsyncClient, path: str) -> int:
    """The first status other than 200."""
    while (answer := await client.get(path)).status_code == 200:
        pass
    return answer.status_code


async def subgraph_app(subgraph: Subgraph, scope: object, receive: object, send: object) -> None:
    body = (await receive())["body"]  # type: ignore[operator]
    status, answer = await subgraph.answer(body, {})
    await send({"type": "http.response.start", "status": status, "headers": []})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": answer})  # type: ignore[operator]


async def test_metrics_health_and_unknown_paths(tmp_path: Path) -> None:
    async with gateway(tmp_path) as (_process, url), httpx.AsyncClient(base_url=url) as client:
        await client.post("/graphql", json={"query": "{ __typename }"})
        refused = await client.post("/graphql", json={"query": "{ nothing }"})
        assert refused.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        metrics = (await client.get("/metrics")).text
        assert 'gateway_requests_total{operation="other",outcome="ok"} 1.0' in metrics
        assert 'gateway_refusals_total{code="GRAPHQL_VALIDATION_FAILED"} 1.0' in metrics
        assert (await client.get("/health/live")).text == "live\n"
        assert (await client.get("/elsewhere")).status_code == 404


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--supergraph", "/nowhere.graphql"], "cannot be read"),
        (["--supergraph", str(SUPERGRAPH), "--config", "/nowhere.yaml"], "cannot be read"),
        (["plan", "--supergraph", str(SUPERGRAPH), "--operation", "/nowhere.graphql"], "No such file"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.count("\n") == 1


def test_the_plan_of_an_operation_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    operation = tmp_path / "operation.graphql"
    operation.write_text("{ version { one two } }")
    assert main(["plan", "--supergraph", str(SUPERGRAPH), "--operation", str(operation)]) == 0
    printed = capsys.readouterr().out
    assert "one" in printed
    assert "two" in printed

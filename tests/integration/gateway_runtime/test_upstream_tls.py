"""The gateway calls its subgraphs by TLS: whom it believes, who it says it is, and files that are renewed meanwhile."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from prometheus_client import Gauge
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from gateway import cli
from gateway.app import build_gateway
from gateway.executor.subgraph_client import (
    Endpoint,
    SubgraphClient,
    TransportConfig,
    TransportError,
    TransportFault,
)
from gateway.executor.subscription_client import SubscriptionClient, UpstreamConfig
from gateway.settings import Settings
from gateway.telemetry.metrics import TLS_EXPIRY
from shared.devstack.ports import free_ports
from shared.runtime.server import serve
from shared.telemetry.metrics import CERTIFICATE_EXPIRY
from shared.testing.certificates import Authority, Issued
from shared.testing.eventually import eventually
from shared.tls import Renewal, TlsFiles, client_context, expires_at, server_context
from tests.conformance import federation as plain
from tests.conformance.federation import FIXTURES

SUPERGRAPH = FIXTURES / "costs" / "supergraph.graphql"
T = TypeVar("T")
USERS = {"data": {"users": [{"id": "1"}]}}


async def answer(request: Request) -> Response:
    """Users, or, where a stream is asked for, a stream of one event."""
    await request.body()
    if request.headers.get("accept") == "text/event-stream":
        events = b'event: next\ndata: {"data": {"tick": 1}}\n\nevent: complete\ndata:\n\n'
        return StreamingResponse(iter([events]), media_type="text/event-stream")
    return JSONResponse(USERS)


SUBGRAPH = Starlette(routes=[Route("/graphql", answer, methods=["POST"])])


@asynccontextmanager
async def subgraph(tls: TlsFiles | None) -> AsyncIterator[int]:
    """A subgraph as every service is served; gives its port."""
    (port,) = free_ports(1)
    stopped = asyncio.Event()
    serving = asyncio.create_task(
        serve({port: SUBGRAPH}, host="127.0.0.1", stopped=stopped, tls={port: tls} if tls else {})
    )
    await eventually("the subgraph", lambda: _listens(port))
    yield port
    stopped.set()
    await serving


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def outcome(endpoint: Endpoint, **config: Any) -> int | TransportFault:
    client = SubgraphClient(TransportConfig.model_validate(config))
    try:
        return (await client.send(endpoint, b"{}")).status
    except TransportError as error:
        return error.fault
    finally:
        client.close()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def identity(issued: Issued) -> dict[str, Any]:
    return {"tls_certificate": issued.certificate, "tls_key": issued.key}


async def test_a_subgraph_is_believed_by_its_authority_its_name_and_its_dates_alone(
    authority: Authority, tmp_path: Path
) -> None:
    believed, stranger = {"tls_authorities": authority.file}, Authority(tmp_path, "stranger")
    good, old = authority.issue("good", hosts=["127.0.0.1"]), authority.issue("old", days=-1)
    async with subgraph(good.files) as port:
        here = Endpoint.of(f"https://127.0.0.1:{port}/graphql")
        assert await outcome(here, **believed) == 200
        assert await outcome(here, tls_authorities=stranger.file) is TransportFault.CONNECT
        assert await outcome(here) is TransportFault.CONNECT
        assert await outcome(Endpoint.of(f"https://localhost:{port}/graphql"), **believed) is TransportFault.CONNECT
        # In plain text it is not spoken to at all.
        in_plain = Endpoint.of(f"http://127.0.0.1:{port}/graphql")
        assert await outcome(in_plain, **believed) is TransportFault.CLOSED
    async with subgraph(old.files) as port:
        assert await outcome(Endpoint.of(f"https://127.0.0.1:{port}/graphql"), **believed) is TransportFault.CONNECT
    async with subgraph(None) as port:
        assert await outcome(Endpoint.of(f"https://127.0.0.1:{port}/graphql"), **believed) is TransportFault.CONNECT


async def test_a_kept_connection_in_plain_text_never_carries_what_is_to_be_encrypted() -> None:
    async with subgraph(None) as port:
        client = SubgraphClient()
        assert (await client.send(Endpoint.of(f"http://127.0.0.1:{port}/graphql"), b"{}")).status == 200
        with pytest.raises(TransportError, match="connect"):
            await client.send(Endpoint.of(f"https://127.0.0.1:{port}/graphql"), b"{}")
        client.close()


async def test_a_subgraph_may_ask_the_gateway_for_a_certificate(authority: Authority, tmp_path: Path) -> None:
    server, gateway = authority.issue("subgraph"), authority.issue("gateway")
    impostor = Authority(tmp_path, "stranger").issue("impostor")
    asking = TlsFiles(server.certificate, server.key, authorities=authority.file)
    believed = {"tls_authorities": authority.file}
    async with subgraph(asking) as port:
        endpoint = Endpoint.of(f"https://127.0.0.1:{port}/graphql")
        assert await outcome(endpoint, **believed, **identity(gateway)) == 200
        # TLS 1.3 refuses a client after its first words: what it sees is a closed connection.
        assert await outcome(endpoint, **believed) is TransportFault.CLOSED
        assert await outcome(endpoint, **believed, **identity(impostor)) is TransportFault.CLOSED


async def test_a_subscription_is_read_by_tls_and_from_nobody_else(authority: Authority, tmp_path: Path) -> None:
    headers = {"content-type": "application/json", "accept": "text/event-stream"}
    trusting = client_context(TlsFiles(authorities=authority.file))
    stranger = client_context(TlsFiles(authorities=Authority(tmp_path, "stranger").file))
    async with subgraph(authority.issue("subgraph").files) as port:
        endpoint = Endpoint.of(f"https://127.0.0.1:{port}/graphql", headers=headers)
        stream = await SubscriptionClient(UpstreamConfig(), tls=trusting).open(endpoint, b"{}", b"")
        assert [result async for result in stream.results()] == [b'{"data": {"tick": 1}}']
        stream.close()
        for distrusting in (stranger, None):
            with pytest.raises(TransportError, match="connect"):
                await SubscriptionClient(UpstreamConfig(), tls=distrusting).open(endpoint, b"{}", b"")


async def test_an_operation_passes_through_the_gateway_by_tls_on_both_sides_of_it(authority: Authority) -> None:
    server, gateway = authority.issue("subgraph"), authority.issue("gateway")
    asking = TlsFiles(server.certificate, server.key, authorities=authority.file)
    transport = {"tls_authorities": str(authority.file)} | {k: str(v) for k, v in identity(gateway).items()}
    async with subgraph(asking) as port:
        urls = {"people": f"https://127.0.0.1:{port}/graphql"}
        settings = Settings.model_validate({"transport": transport, "subgraph_urls": urls})
        async with (
            plain.serve(build_gateway(SUPERGRAPH.read_text(encoding="utf-8"), settings).app) as url,
            httpx.AsyncClient() as client,
        ):
            answered = await client.post(f"{url}/graphql", json={"query": "{ users(first: 1) { id } }"})
        assert answered.json() == USERS
        assert TLS_EXPIRY.labels("upstream")._value.get() == expires_at(gateway.certificate).timestamp()


async def test_renewed_certificates_are_taken_in_by_servers_that_run_on(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Renewal.run, "__defaults__", (0.01,))
    own, renewed = authority.issue("own"), authority.issue("renewed", days=20)

    async def renews(port: int, expiry: Gauge) -> None:
        assert await served_until(port, authority) == expires_at(own.certificate)
        own.replace_with(renewed)
        await eventually("the new one", lambda: _is(served_until(port, authority), expires_at(renewed.certificate)))
        assert expiry._value.get() == expires_at(renewed.certificate).timestamp()

    async with subgraph(own.files) as port:
        await renews(port, CERTIFICATE_EXPIRY)
    authority.issue("own")
    async with gateway_with(own) as port:
        await renews(port, TLS_EXPIRY.labels("listener"))


async def test_the_gateways_own_certificate_is_renewed_while_it_calls(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Renewal.run, "__defaults__", (0.01,))
    server, own = authority.issue("subgraph"), Authority(tmp_path, "stranger").issue("own")
    asking = TlsFiles(server.certificate, server.key, authorities=authority.file)
    transport = {"tls_authorities": str(authority.file)} | {k: str(v) for k, v in identity(own).items()}
    async with subgraph(asking) as port:
        settings = {"transport": transport, "subgraph_urls": {"people": f"https://127.0.0.1:{port}/graphql"}}
        gateway = build_gateway(SUPERGRAPH.read_text(encoding="utf-8"), Settings.model_validate(settings))
        async with plain.serve(gateway.app) as url, httpx.AsyncClient() as client:

            async def asked() -> bool:
                answered = await client.post(f"{url}/graphql", json={"query": "{ users(first: 1) { id } }"})
                return bool(answered.json() == USERS)

            assert not await asked()
            own.replace_with(authority.issue("renewed"))
            await eventually("an answer", asked)


async def test_half_a_renewal_changes_nothing(authority: Authority) -> None:
    own, renewed = authority.issue("own"), authority.issue("renewed", days=20)
    context = server_context(own.files)
    renewal = Renewal(context, own.files, CERTIFICATE_EXPIRY)
    listening = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    port = listening.sockets[0].getsockname()[1]
    first = await served_until(port, authority)
    assert not renewal.look()

    own.certificate.write_bytes(renewed.certificate.read_bytes())
    assert not renewal.look()
    assert await served_until(port, authority) == first
    own.key.write_bytes(renewed.key.read_bytes())
    assert renewal.look()
    assert await served_until(port, authority) == expires_at(renewed.certificate)
    listening.close()


@asynccontextmanager
async def gateway_with(own: Issued) -> AsyncIterator[int]:
    """A gateway as the command line serves it; gives its port."""
    http = {"port": 0, "tls_certificate": own.certificate, "tls_key": own.key}
    settings = Settings.model_validate({"http": http})
    gateway = build_gateway(SUPERGRAPH.read_text(encoding="utf-8"), settings)
    server = cli._Server(cli.server_config(gateway.app, settings), gateway, settings.http)
    serving = asyncio.create_task(server._serve())
    await eventually("the gateway", lambda: _is(_started(server), True))
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


async def _started(server: cli._Server) -> bool:
    return server.started


async def _is(found: Awaitable[T], wanted: T) -> bool:
    return await found == wanted


async def served_until(port: int, authority: Authority) -> datetime:
    """When the certificate ends that the server shows now."""
    trusting = client_context(TlsFiles(authorities=authority.file))
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
    shown = writer.get_extra_info("peercert")
    writer.close()
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(shown["notAfter"]), UTC)

"""Where the gateway listens: a port, a Unix socket, TLS; and what it believes of those who connect."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.app import build_gateway
from gateway.cli import main, server_config
from gateway.settings import Settings
from tests.conformance.federation import FIXTURES

SUPERGRAPH = FIXTURES / "costs" / "supergraph.graphql"
TYPENAME = {"query": "{ __typename }"}


@asynccontextmanager
async def listening(**sections: Any) -> AsyncIterator[int]:
    """A gateway on a free port (0 on a socket) as the command line serves it; gives the port."""
    settings = Settings.model_validate({**sections, "http": {"port": 0, **sections.get("http", {})}})
    gateway = build_gateway(SUPERGRAPH.read_text(encoding="utf-8"), settings)
    server = uvicorn.Server(server_config(gateway.app, settings))
    serving = asyncio.create_task(server._serve())
    try:
        while not server.started:
            assert not serving.done(), "the server did not start"
            await asyncio.sleep(0.005)
        name = server.servers[0].sockets[0].getsockname()
        yield name[1] if isinstance(name, tuple) else 0
    finally:
        server.should_exit = True
        await serving


async def test_a_unix_socket_is_served(tmp_path: Path) -> None:
    path = str(tmp_path / "gateway.sock")
    async with listening(http={"uds": path}):
        transport = httpx.AsyncHTTPTransport(uds=path)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as client:
            answer = await client.post("/graphql", json=TYPENAME)
    assert answer.json() == {"data": {"__typename": "Query"}}


def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    key, name = Ed25519PrivateKey.generate(), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gateway")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, None)
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(signed.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


async def test_tls_is_served_and_clients_without_a_certificate_are_turned_away_where_one_is_wanted(
    tmp_path: Path,
) -> None:
    own, key = certificate(tmp_path)
    tls = {"tls_certificate": str(own), "tls_key": str(key)}
    trusting = ssl.create_default_context(cafile=str(own))
    known = ssl.create_default_context(cafile=str(own))
    known.load_cert_chain(own, key)

    async def ask(port: int, context: ssl.SSLContext) -> Any:
        async with httpx.AsyncClient(verify=context, base_url=f"https://127.0.0.1:{port}") as client:
            return (await client.post("/graphql", json=TYPENAME)).json()

    async with listening(http=tls) as port:
        assert await ask(port, trusting) == {"data": {"__typename": "Query"}}
        async with httpx.AsyncClient() as plain:
            with pytest.raises(httpx.TransportError):
                await plain.get(f"http://127.0.0.1:{port}/health/live")
    async with listening(http=tls | {"tls_client_authorities": str(own)}) as port:
        assert await ask(port, known) == {"data": {"__typename": "Query"}}
        with pytest.raises(httpx.TransportError):
            await ask(port, trusting)


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_nobody_on_this_machine_can_claim_another_address(method: str) -> None:
    """One bucket for all: a made-up address does not open a second one, neither on the direct lane nor beside it."""
    limits = {"requests": {"per_minute": 1, "burst": 1}}
    asked: dict[str, Any] = {"json": TYPENAME} if method == "POST" else {"params": TYPENAME}
    async with listening(rate_limit=limits) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        statuses = [
            (await client.request(method, "/graphql", headers={"x-forwarded-for": f"10.0.0.{n}"}, **asked)).status_code
            for n in range(3)
        ]
    assert statuses == [200, 429, 429]


async def test_one_connection_serves_many_requests() -> None:
    async with listening() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(b"GET /health/live HTTP/1.1\r\nhost: gateway.test\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(5) == b"live\n"
        writer.close()


async def test_an_idle_connection_is_closed_in_the_end() -> None:
    async with listening(http={"keep_alive": 1}) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /health/live HTTP/1.1\r\nhost: gateway.test\r\n\r\n")
        assert (await reader.read()).endswith(b"live\n")
        writer.close()


def test_half_a_pair_of_tls_files_is_refused_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--supergraph", str(SUPERGRAPH), "--tls-key", "key.pem"]) == 1
    assert "tls_certificate and tls_key go together" in capsys.readouterr().err


async def test_a_body_that_never_comes_is_refused_and_the_connection_ended() -> None:
    async with listening(http={"body_timeout": 0.2}) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /graphql HTTP/1.1\r\nhost: gateway.test\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"
        )
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"REQUEST_TIMEOUT" in answer
        writer.close()

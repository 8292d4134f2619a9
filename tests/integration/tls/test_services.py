"""Every process of a service serves by TLS where it is told to: its API, its worker, the evictor, and their probes."""

from __future__ import annotations

import asyncio
import importlib
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.devstack.keys import GATEWAY_JWKS, SEALING_PUBLIC_KEY, ensure_keys
from shared.devstack.ports import free_ports, is_open
from shared.register import load_register
from shared.runtime import api, worker
from shared.runtime.resources import open_resources
from shared.runtime.subgraph import Resources, Subgraph
from shared.settings import ProcessSettings, ServiceSettings
from shared.testing.certificates import Authority
from shared.testing.eventually import eventually
from shared.tls import TlsFiles, client_context
from supergraph import evictor

NOWHERE = {"redis_url": "redis://127.0.0.1:1", "rabbitmq_url": "amqp://127.0.0.1:1"}
Run = Callable[[Resources[ServiceSettings], Subgraph], Coroutine[Any, Any, None]]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """In place of the signals: this process has others to listen for."""
    event = asyncio.Event()
    for module in (api, worker, evictor):
        monkeypatch.setattr(module, "stop_on_signal", lambda: event)
    return event


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None], stopped: asyncio.Event, *ports: int) -> AsyncIterator[None]:
    async def listening() -> bool:
        assert not task.done()
        return all(is_open(port) for port in ports)

    task = asyncio.create_task(work)
    try:
        await eventually("the process", listening)
        yield
    finally:
        stopped.set()
        await task


def files(authority: Authority) -> dict[str, Path]:
    own = authority.issue("service")
    return {"tls_certificate_file": own.certificate, "tls_key_file": own.key}


async def status(port: int, path: str, context: ssl.SSLContext) -> int:
    async with httpx.AsyncClient(verify=context, base_url=f"https://127.0.0.1:{port}", trust_env=False) as client:
        return (await client.get(path)).status_code


async def in_plain(port: int) -> int:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"http://127.0.0.1:{port}/health/live")).status_code


@asynccontextmanager
async def domain(tmp_path: Path, run: Run, stopped: asyncio.Event, **settings: Any) -> AsyncIterator[tuple[int, int]]:
    """A process of reviews, away from all stores; gives its two ports."""
    ensure_keys(tmp_path, load_register())
    root = importlib.import_module("subgraphs.reviews.app")
    port, operations_port = free_ports(2)
    configured = root.SETTINGS(
        postgres_url="postgresql://nobody@127.0.0.1:1/nowhere",
        gateway_jwks_file=tmp_path / GATEWAY_JWKS,
        sealing_public_key_file=tmp_path / SEALING_PUBLIC_KEY,
        port=port,
        operations_port=operations_port,
        **NOWHERE,
        **settings,
    )
    listens = (port, operations_port) if run is api.run_api else (operations_port,)
    async with (
        open_resources("reviews", configured) as resources,
        running(run(resources, root.build(resources)), stopped, *listens),
    ):
        yield port, operations_port


async def test_an_api_serves_by_tls_and_asks_its_callers_but_not_its_probes_who_they_are(
    authority: Authority, tmp_path: Path, stopped: asyncio.Event
) -> None:
    gateway, nobody = authority.issue("gateway"), client_context(TlsFiles(authorities=authority.file))
    known = client_context(TlsFiles(gateway.certificate, gateway.key, authorities=authority.file))
    tls = files(authority) | {"tls_client_authorities_file": authority.file}
    async with domain(tmp_path, api.run_api, stopped, **tls) as (port, operations_port):
        # The token is still asked for.
        assert await status(port, "/graphql", known) == 401
        with pytest.raises(httpx.TransportError):
            await status(port, "/graphql", nobody)
        assert await status(operations_port, "/health/live", nobody) == 200
        for each in (port, operations_port):
            with pytest.raises(httpx.TransportError):
                await in_plain(each)


async def test_a_worker_is_probed_by_tls(authority: Authority, tmp_path: Path, stopped: asyncio.Event) -> None:
    trusting = client_context(TlsFiles(authorities=authority.file))
    async with domain(tmp_path, worker.run_worker, stopped, **files(authority)) as (_, operations_port):
        assert await status(operations_port, "/health/live", trusting) == 200
        with pytest.raises(httpx.TransportError):
            await in_plain(operations_port)


async def test_the_evictor_is_probed_by_tls(authority: Authority, stopped: asyncio.Event) -> None:
    trusting, (port,) = client_context(TlsFiles(authorities=authority.file)), free_ports(1)
    settings = ProcessSettings(operations_port=port, **NOWHERE, **files(authority))  # type: ignore[arg-type]
    async with running(evictor.run(settings), stopped, port):
        assert await status(port, "/health/live", trusting) == 200
        with pytest.raises(httpx.TransportError):
            await in_plain(port)

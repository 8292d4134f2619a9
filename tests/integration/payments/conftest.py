"""Payments with its webhook on a port of its own and a simulated provider as a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from shared.devstack.ports import free_ports
from shared.runtime.server import serve
from shared.testing.servers import DomainDatabase
from shared.testing.subgraph import subgraph_under_test
from tests.integration.payments.market import SECRET, Market, start_simulator, until_answering


@pytest.fixture(scope="module")
async def market(
    database_for: Callable[[str], DomainDatabase], redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Market]:
    webhook_port, simulator_port = free_ports(2)
    webhook_url = f"http://127.0.0.1:{webhook_port}/webhooks/provider"
    secret = tmp_path_factory.mktemp("secrets") / "provider_webhook.secret"
    secret.write_text(SECRET + "\n")
    simulator = start_simulator(simulator_port, webhook_url, secret)
    url = f"http://127.0.0.1:{simulator_port}"
    settings: dict[str, Any] = {"simulator_url": url, "provider_webhook_secret_file": secret}
    stopped = asyncio.Event()
    try:
        async with (
            subgraph_under_test("payments", database_for("payments"), redis_url, **settings) as payments,
            httpx.AsyncClient(base_url=url, trust_env=False) as provider,
        ):
            app = Starlette(routes=list(payments.subgraph.routes))
            server = asyncio.create_task(serve({webhook_port: app}, host="127.0.0.1", stopped=stopped))
            await until_answering(provider)
            yield Market(payments, provider, webhook_url)
            stopped.set()
            await server
    finally:
        simulator.terminate()
        simulator.wait()

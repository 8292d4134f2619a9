"""Notifications with a real mail sink, a process of its own that takes mail by SMTP."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from nacl.public import PrivateKey

from shared.auth.sealing import Sealer
from shared.devstack.ports import free_ports
from shared.testing.eventually import eventually
from shared.testing.servers import DomainDatabase
from shared.testing.subgraph import subgraph_under_test
from tests.integration.notifications.post import PostOffice, start_mail_sink


@pytest.fixture(scope="module")
async def post(
    database_for: Callable[[str], DomainDatabase], redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[PostOffice]:
    secrets = tmp_path_factory.mktemp("secrets")
    pair = PrivateKey.generate()
    (secrets / "sealing.key").write_bytes(base64.b64encode(bytes(pair)))
    (secrets / "sealing.pub").write_bytes(base64.b64encode(bytes(pair.public_key)))
    port, smtp_port = free_ports(2)
    sink = start_mail_sink(port, smtp_port)
    settings: dict[str, Any] = {
        "sealing_private_key_file": secrets / "sealing.key",
        "smtp_host": "127.0.0.1",
        "smtp_port": smtp_port,
        "smtp_tls": "none",
    }
    try:
        async with (
            subgraph_under_test("notifications", database_for("notifications"), redis_url, **settings) as notifications,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
        ):

            async def ready() -> bool:
                try:
                    return (await client.get("/health/ready")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually("the mail sink", ready)
            yield PostOffice(notifications, client, Sealer(secrets / "sealing.pub"))
    finally:
        sink.terminate()
        sink.wait()

"""All nine subgraphs side by side in one database, each with its small world."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from nacl.public import PrivateKey

from shared.devstack.ports import free_ports
from shared.testing.servers import DomainDatabase
from shared.testing.subgraph import subgraph_under_test
from tests.integration.authorization import worlds as make
from tests.integration.authorization.cast import World
from tests.integration.payments.market import SECRET, start_simulator, until_answering


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """The payment provider's simulator; its webhooks go nowhere, its answers are enough here."""
    secret = tmp_path_factory.mktemp("provider") / "provider_webhook.secret"
    secret.write_text(SECRET)
    port, nowhere = free_ports(2)
    simulator = start_simulator(port, f"http://127.0.0.1:{nowhere}/", secret)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            await until_answering(client)
            yield client
    finally:
        simulator.terminate()
        simulator.wait()


@pytest.fixture(scope="module")
async def worlds(
    database_for: Callable[[str], DomainDatabase],
    redis_url: str,
    provider: httpx.AsyncClient,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[dict[str, World]]:
    settings = _settings(tmp_path_factory.mktemp("keys"), str(provider.base_url).rstrip("/"))
    async with AsyncExitStack() as stack:
        subgraphs = {
            domain: await stack.enter_async_context(
                subgraph_under_test(domain, database_for(domain), redis_url, **values)
            )
            for domain, values in settings.items()
        }
        yield {
            "accounts": await make.accounts_world(subgraphs["accounts"]),
            "audit": await make.audit_world(subgraphs["audit"]),
            "catalog": await make.catalog_world(subgraphs["catalog"]),
            "inventory": await make.inventory_world(subgraphs["inventory"]),
            "notifications": await make.notifications_world(subgraphs["notifications"]),
            "orders": await make.orders_world(subgraphs["orders"]),
            "payments": await make.payments_world(subgraphs["payments"], provider),
            "reviews": await make.reviews_world(subgraphs["reviews"]),
            "sellers": await make.sellers_world(subgraphs["sellers"]),
        }


def _settings(folder: Path, simulator_url: str) -> dict[str, dict[str, Any]]:
    pair, token_key = PrivateKey.generate(), folder / "access_token.pem"
    sealing = {"sealing_private_key_file": bytes(pair), "sealing_public_key_file": bytes(pair.public_key)}
    for name, value in sealing.items():
        (folder / name).write_bytes(base64.b64encode(value))
    key = Ed25519PrivateKey.generate()
    token_key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    secret = folder / "provider_webhook.secret"
    secret.write_text(SECRET)
    private, public = ({name: folder / name} for name in sealing)
    return {
        "accounts": {"access_token_key_file": token_key} | public,
        "audit": {},
        "catalog": {},
        "inventory": {},
        "notifications": private | {"smtp_host": "127.0.0.1", "smtp_tls": "none"},
        "orders": {},
        "payments": {"simulator_url": simulator_url, "provider_webhook_secret_file": secret},
        "reviews": {},
        "sellers": public,
    }

"""What the gateway and the broker send to a domain's processes, made by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Any
from uuid import UUID

import aio_pika
import httpx
import jwt
import orjson
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from shared.auth.actor import ANONYMOUS, Actor
from shared.devstack.keys import GATEWAY_KEY, public_jwks
from shared.ids import new_id
from shared.messaging.contract import RecordedEvent, encode
from shared.testing.eventually import PATIENCE_SECONDS


def a_token(
    secrets: Path, *, audience: str = "subgraph:reviews", expires_in: int = 60, actor: Actor = ANONYMOUS
) -> str:
    pem = (secrets / GATEWAY_KEY).read_bytes()
    claims: dict[str, Any] = {
        "iss": "marketplace-gateway",
        "aud": audience,
        "iat": int(time()) - 120,
        "exp": int(time()) + expires_in,
        "roles": sorted(actor.roles),
    }
    if actor.user_id is not None:
        claims["sub"] = str(actor.user_id)
    key: Any = load_pem_private_key(pem, password=None)
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": public_jwks(pem)["keys"][0]["kid"]})


def a_message(name: str, payload: Mapping[str, Any], event_id: UUID | None = None) -> aio_pika.Message:
    event_id = event_id or new_id()
    wire = encode(
        RecordedEvent(
            id=event_id,
            name=name,
            version="1.0",
            occurred_at=datetime.now(UTC),
            idempotency_key=f"{name.partition('.')[0]}:{event_id}",
            aggregate_id=new_id(),
            aggregate_version=1,
            payload=orjson.dumps(payload).decode(),
            headers={"correlation_id": str(new_id())},
        )
    )
    return aio_pika.Message(
        wire.body, message_id=wire.message_id, correlation_id=wire.correlation_id, headers=dict(wire.headers)
    )


class EventStream:
    """A subscription over HTTP as the gateway reads it."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next_event(self) -> tuple[str, str]:
        """The next event's name and data; comments are passed over."""
        event: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for line in self._lines:
                name, _, value = line.partition(":")
                if name:
                    event[name] = value.strip()
                elif not line and event:
                    return event["event"], event["data"]
        return "", ""

    async def next_data(self) -> Any:
        name, data = await self.next_event()
        assert name == "next", name
        return orjson.loads(data)["data"]


@asynccontextmanager
async def subscribed(port: int, token: str, query: str) -> AsyncIterator[EventStream]:
    """A stream that is open, or refused: `response` says which."""
    headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=PATIENCE_SECONDS) as client,
        client.stream("POST", "/graphql", json={"query": query}, headers=headers) as response,
    ):
        yield EventStream(response)


def order_delivered(event_id: UUID, product_id: UUID) -> aio_pika.Message:
    payload = {
        "order_group_id": str(new_id()),
        "order_id": str(new_id()),
        "buyer_id": str(new_id()),
        "seller_id": str(new_id()),
        "delivered_at": "2026-11-23T12:00:00Z",
        "lines": [
            {"line_id": str(new_id()), "product_id": str(product_id), "variant_id": str(new_id()), "quantity": 1}
        ],
    }
    return a_message("order.delivered", payload, event_id)

"""The two processes of a domain, really running: who gets in, and what comes through the broker into its tables."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Any
from uuid import UUID

import aio_pika
import httpx
import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from shared.devstack.keys import GATEWAY_KEY, public_jwks
from shared.ids import new_id
from shared.messaging.contract import RecordedEvent, encode
from shared.messaging.topology import declare_topology
from shared.register import EXCHANGE, load_register
from shared.testing.eventually import eventually
from shared.testing.servers import Broker, MarketplaceDatabase
from shared.testing.sql import rows
from tests.fixtures.processes import Services


@pytest.fixture(scope="module")
async def services(
    database: MarketplaceDatabase, broker: Broker, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Services]:
    declare_topology(
        load_register(),
        amqp_url=broker.amqp_url,
        management_url=broker.management_url,
        passwords=broker.passwords.rabbitmq,
    )
    running = Services(database, broker, redis_url, tmp_path_factory.mktemp("services"))
    yield running
    running.stop()


def a_token(secrets: Path, *, audience: str = "subgraph:reviews", expires_in: int = 60) -> str:
    pem = (secrets / GATEWAY_KEY).read_bytes()
    claims: dict[str, Any] = {
        "iss": "marketplace-gateway",
        "aud": audience,
        "iat": int(time()) - 120,
        "exp": int(time()) + expires_in,
    }
    key: Any = load_pem_private_key(pem, password=None)
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": public_jwks(pem)["keys"][0]["kid"]})


async def test_only_the_gateways_token_opens_the_endpoint(services: Services) -> None:
    # given the API of a domain
    api = await services.start("api", "reviews")
    questions = [
        {"query": "{ __typename }"},
        {"query": "{ _service { sdl } }"},
        {"query": '{ _entities(representations: [{__typename: "Product", id: "x"}]) { __typename } }'},
    ]
    refused = {
        "none": {},
        "expired": {"authorization": f"Bearer {a_token(services.secrets, expires_in=-60)}"},
        "for another subgraph": {"authorization": f"Bearer {a_token(services.secrets, audience='subgraph:orders')}"},
    }
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{api.port}", trust_env=False) as client:
        # when it is asked without the gateway's token, then it refuses whatever the question
        statuses = [
            (await client.post("/graphql", json=question, headers=headers)).status_code
            for question in questions
            for headers in refused.values()
        ]
        assert statuses == [401] * 9
        # and with it, it answers
        allowed = {"authorization": f"Bearer {a_token(services.secrets)}"}
        answer = await client.post("/graphql", json=questions[0], headers=allowed)
        assert (answer.status_code, answer.json()) == (200, {"data": {"__typename": "Query"}})
    # and health and metrics are on a port of their own
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{api.operations_port}", trust_env=False) as operations:
        assert (await operations.get("/health/live")).text == "live"
        assert 'graphql_operations_total{domain="reviews",outcome="ok"} 1.0' in (await operations.get("/metrics")).text


async def test_an_event_on_the_broker_takes_effect_once_however_often_it_comes(services: Services) -> None:
    # given the worker of a domain and an event for it
    await services.start("worker", "reviews")
    event_id, product_id = new_id(), new_id()
    message = _order_delivered(event_id, product_id)
    # when the event is published three times, and then another
    connection = await aio_pika.connect(services.broker.amqp_url)
    async with connection:
        exchange = await (await connection.channel()).get_exchange(EXCHANGE, ensure=False)
        for _ in range(3):
            await exchange.publish(message, "order.delivered")
        last = new_id()
        await exchange.publish(_order_delivered(last, product_id), "order.delivered")
    # then both took effect once
    database = services.database.of("reviews")
    await eventually("the last event", lambda: rows(database, "SELECT 1 FROM inbox WHERE event_id = :e", e=last))
    taken = await rows(database, "SELECT count(*) AS n FROM inbox WHERE event_id IN (:a, :b)", a=event_id, b=last)
    lines = await rows(database, "SELECT count(*) AS n FROM delivered_line WHERE product_id = :p", p=product_id)
    assert (taken, lines) == ([{"n": 2}], [{"n": 2}])


def _order_delivered(event_id: UUID, product_id: UUID) -> aio_pika.Message:
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
    wire = encode(
        RecordedEvent(
            id=event_id,
            name="order.delivered",
            version="1.0",
            occurred_at=datetime.now(UTC),
            idempotency_key=f"order:{event_id}",
            aggregate_id=new_id(),
            aggregate_version=1,
            payload=orjson.dumps(payload).decode(),
            headers={"correlation_id": str(new_id())},
        )
    )
    return aio_pika.Message(
        wire.body, message_id=wire.message_id, correlation_id=wire.correlation_id, headers=dict(wire.headers)
    )

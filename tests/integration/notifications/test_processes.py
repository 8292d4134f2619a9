"""Notifications' own processes over a real broker: from an event on the exchange to a letter, also when a worker dies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import aio_pika
import httpx
import orjson
import pytest

from shared.auth.sealing import Sealer
from shared.devstack.keys import SEALING_PUBLIC_KEY
from shared.devstack.ports import free_ports
from shared.ids import new_id
from shared.messaging.contract import RecordedEvent, encode
from shared.messaging.topology import declare_topology
from shared.register import EXCHANGE, load_register
from shared.testing.eventually import eventually
from shared.testing.servers import Broker, MarketplaceDatabase
from shared.testing.sql import rows
from tests.fixtures.processes import Services
from tests.integration.notifications.post import Person, a_person

MAIL_SINK = "subgraphs.notifications.adapters.mail_sink"


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


@pytest.fixture(scope="module")
async def sink(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """Started as the launcher does: HTTP on the port it names, SMTP ten above."""
    port = _port_with_a_free_one_ten_above()
    services.run("notifications-mail-sink", "notifications", MAIL_SINK, "--port", str(port), port=port)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:

        async def ready() -> bool:
            try:
                return (await client.get("/health/ready")).status_code == 200
            except httpx.TransportError:
                return False

        await eventually("the mail sink", ready)
        yield client


def _port_with_a_free_one_ten_above() -> int:
    candidates = set(free_ports(200))
    return next((port for port in sorted(candidates) if port + 10 in candidates), min(candidates))


async def test_an_event_on_the_exchange_becomes_one_letter(services: Services, sink: httpx.AsyncClient) -> None:
    # given a worker that knows the mail sink by its port alone
    person = a_person()
    worker = await services.start("worker", "notifications", MAIL_SINK_PORT=str(sink.base_url.port))
    # when somebody registers, and the broker says it three times
    await _publish_registration(services, person, times=3)
    # then one letter comes, and the way it went is told
    await eventually("the letter", lambda: _letters(sink, person))
    database = services.database.of("notifications")
    told = "SELECT 1 FROM event_log WHERE event_name = 'notification.sent' AND payload->>'user_id' = :u"
    await eventually("it was told", lambda: rows(database, told, u=person.id))
    worker.stop()
    (letter,) = await _letters(sink, person)
    assert "token:verify-me" in letter["text"].split()
    # and no log of the worker says whose it was
    assert person.email not in worker.log.read_text(encoding="utf-8")


async def test_what_a_killed_worker_left_behind_is_sent_by_the_next(
    services: Services, sink: httpx.AsyncClient
) -> None:
    # given a worker that dies after the server has taken a mail, before it could note so
    person = a_person("+cut")
    database = services.database.of("notifications")
    first = await services.start("worker", "notifications", MAIL_SINK_PORT=str(sink.base_url.port))
    await _publish_registration(services, person)
    await eventually("the first letter", lambda: _letters(sink, person))
    first.kill()
    # when another one starts two minutes later
    second = await services.start(
        "worker", "notifications", MAIL_SINK_PORT=str(sink.base_url.port), CLOCK_OFFSET_SECONDS="120"
    )
    sent = "SELECT status FROM notification WHERE user_id = :u AND status = 'SENT'"
    await eventually("it is sent", lambda: rows(database, sent, u=person.id))
    second.stop()
    # then the letter came again under the same Message-ID, and nothing waits
    letters = await _letters(sink, person)
    assert len(letters) == 2
    assert len({letter["messageId"] for letter in letters}) == 1
    assert await rows(database, "SELECT 1 FROM notification WHERE status <> 'SENT' OR due_at IS NOT NULL") == []


async def _letters(sink: httpx.AsyncClient, person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await sink.get("/messages", params={"to": person.email})).json()["messages"]
    return found


async def _publish_registration(services: Services, person: Person, times: int = 1) -> None:
    message = _registration(services.secrets, person)
    connection = await aio_pika.connect(services.broker.amqp_url)
    async with connection:
        exchange = await (await connection.channel()).get_exchange(EXCHANGE, ensure=False)
        for _ in range(times):
            await exchange.publish(message, "user.registered")


def _registration(secrets: Path, person: Person) -> aio_pika.Message:
    sealer, event_id = Sealer(secrets / SEALING_PUBLIC_KEY), new_id()
    payload = {
        "user_id": person.id,
        "sealed_email": sealer.seal(person.email),
        "sealed_verification_token": sealer.seal("verify-me"),
        "locale": "en",
    }
    wire = encode(
        RecordedEvent(
            id=event_id,
            name="user.registered",
            version="1.0",
            occurred_at=datetime.now(UTC),
            idempotency_key=f"user:{event_id}",
            aggregate_id=UUID(person.id),
            aggregate_version=1,
            payload=orjson.dumps(payload).decode(),
            headers={"correlation_id": str(new_id())},
        )
    )
    return aio_pika.Message(
        wire.body, message_id=wire.message_id, correlation_id=wire.correlation_id, headers=dict(wire.headers)
    )

"""The broker after the administrator's step: everything of the register. Its users: `tests/integration/rights`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
import httpx
import pytest
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import PublishError

from shared.messaging import dlq
from shared.messaging.topology import TopologyRefused, bindings, declare_topology
from shared.register import (
    DEAD_LETTER_EXCHANGE,
    EXCHANGE,
    Register,
    Subgraph,
    dead_letter_queue,
    load_register,
)
from shared.testing.servers import Broker

REAL = load_register()


def declare(broker: Broker, register: Register = REAL) -> None:
    declare_topology(
        register, amqp_url=broker.amqp_url, management_url=broker.management_url, passwords=broker.passwords.rabbitmq
    )


def ask(broker: Broker, path: str) -> Any:
    url = f"{broker.management_url}/api/{path.format(host=broker.virtual_host)}"
    return httpx.get(url, trust_env=False, timeout=30).raise_for_status().json()


def bound(broker: Broker) -> set[tuple[str, str, str]]:
    return {
        (found["source"], found["destination"], found["routing_key"])
        for exchange in (EXCHANGE, DEAD_LETTER_EXCHANGE)
        for found in ask(broker, "exchanges/{host}/" + exchange + "/bindings/source")
    }


@asynccontextmanager
async def channel_of(broker: Broker, domain: str) -> AsyncIterator[AbstractChannel]:
    connection = await aio_pika.connect(broker.url(domain))
    async with connection:
        yield await connection.channel(on_return_raises=True)


@pytest.fixture(scope="module")
def declared(broker: Broker) -> Broker:
    declare(broker)
    return broker


def test_the_broker_has_what_the_register_says(declared: Broker) -> None:
    exchanges = {
        found["name"]: (found["type"], found["durable"])
        for found in ask(declared, "exchanges/{host}")
        if found["name"] in (EXCHANGE, DEAD_LETTER_EXCHANGE)
    }
    assert exchanges == {EXCHANGE: ("topic", True), DEAD_LETTER_EXCHANGE: ("direct", True)}
    queues = {found["name"]: found["arguments"] for found in ask(declared, "queues/{host}") if found["durable"]}
    expected: dict[str, dict[str, str]] = {}
    for user in REAL.broker_users:
        for queue in user.queues:
            expected[queue] = {"x-dead-letter-exchange": DEAD_LETTER_EXCHANGE, "x-dead-letter-routing-key": queue}
            expected[dead_letter_queue(queue)] = {}
    assert queues == expected
    assert bound(declared) == {(b.exchange, b.queue, b.key) for b in bindings(REAL)}


def test_declaring_again_changes_nothing_and_removes_what_left_the_register(declared: Broker) -> None:
    before = bound(declared)
    declare(declared)
    assert bound(declared) == before

    reviews = REAL.get("reviews").model_copy(update={"queues": {"reviews.projector": ("order.shipped",)}})
    others = tuple(s for s in REAL.subgraphs if s.name not in ("reviews", "audit"))
    declare(declared, Register(subgraphs=(*others, reviews)))
    now = {(queue, key) for exchange, queue, key in bound(declared) if exchange == EXCHANGE}
    assert {key for queue, key in now if queue == "reviews.projector"} == {"order.shipped"}
    assert not [key for queue, key in now if queue == "audit.recorder"]
    assert "audit" not in {found["user"] for found in ask(declared, "vhosts/{host}/permissions")}

    declare(declared)
    assert bound(declared) == before


def test_a_queue_that_exists_with_other_arguments_is_refused_with_the_brokers_reason(declared: Broker) -> None:
    url = f"{declared.management_url}/api/queues/{declared.virtual_host}/odd.queue"
    httpx.put(url, json={"durable": True, "arguments": {}}, trust_env=False).raise_for_status()
    odd = Register(subgraphs=(Subgraph(name="audit", port=1, queues={"odd.queue": ("user.*",)}),))
    try:
        with pytest.raises(TopologyRefused, match="inequivalent arg"):
            declare(declared, odd)
    finally:
        httpx.delete(url, trust_env=False).raise_for_status()
        declare(declared)


async def test_an_unroutable_event_is_returned_to_its_publisher(declared: Broker) -> None:
    async with channel_of(declared, "orders") as channel:
        exchange = await channel.get_exchange(EXCHANGE, ensure=False)
        with pytest.raises(PublishError):
            await exchange.publish(aio_pika.Message(b"{}"), "return.nobody_listens_to_this", mandatory=True)


async def test_the_dead_letter_command_works_on_the_real_register(
    declared: Broker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with await aio_pika.connect(declared.amqp_url) as connection:
        channel = await connection.channel()
        dead = aio_pika.Message(b'{"event_name": "review.published"}', message_id="an-event")
        await channel.default_exchange.publish(dead, "catalog.projector.dlq")
    monkeypatch.setenv("RABBITMQ_ADMIN_URL", declared.amqp_url)

    async def command(*arguments: str) -> list[str]:
        assert await asyncio.to_thread(dlq.main, arguments) == 0
        return capsys.readouterr().out.splitlines()

    listed = await command("list")
    assert listed[0].split() == ["queue", "owner", "waiting", "dead"]
    assert [line.split() for line in listed if line.startswith("catalog")] == [
        ["catalog.projector", "catalog", "0", "1"]
    ]
    assert len(listed) == 2 + sum(len(user.queues) for user in REAL.broker_users)
    shown = await command("show", "catalog.projector")
    assert shown[2].split()[0] == "an-event"
    assert await command("replay", "catalog.projector") == ["1 sent to catalog.projector again"]
    assert await command("drain", "catalog.projector") == []
    assert [line.split() for line in await command("list") if line.startswith("catalog")] == [
        ["catalog.projector", "catalog", "1", "0"]
    ]

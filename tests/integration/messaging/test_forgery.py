"""A service that speaks in another's name is not believed, by whatever way its message has come into a queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aio_pika
import orjson
import pytest

from shared.clock import system_clock
from shared.ids import new_id
from shared.messaging.contract import PUBLISHED_AS_HEADER, RecordedEvent, encode
from shared.messaging.dead_letters import replay
from shared.register import EXCHANGE
from shared.telemetry.metrics import EVENTS_CONSUMED
from tests.integration.messaging.flow import QUEUE, REGISTER, Flow, approved, eventually, running
from tests.integration.messaging.test_failures import DEAD, dead


def message(*, headers: Mapping[str, Any] | None = None) -> aio_pika.Message:
    """An event of the sellers, perfect in form."""
    event, event_id = approved(), new_id()
    wire = encode(
        RecordedEvent(
            id=event_id,
            name=event.name,
            version="1.0",
            occurred_at=system_clock(),
            idempotency_key=f"seller:{event_id}",
            aggregate_id=event.aggregate_id,
            aggregate_version=event.aggregate_version,
            payload=orjson.dumps(event.payload).decode(),
            headers={"correlation_id": "forged"},
        )
    )
    return aio_pika.Message(
        wire.body,
        message_id=wire.message_id,
        correlation_id=wire.correlation_id,
        headers={**wire.headers, **(headers or {})},
    )


@pytest.mark.parametrize(
    ("user", "key", "headers"),
    [
        # Brokers before 4.0 check the routing key alone, and route by the header as well.
        ("reviews", "review.published", {"CC": ["seller.approved"]}),
        ("reviews", "review.published", {"BCC": ["seller.approved"]}),
        # Its own to publish, and told by another name.
        ("sellers", "seller.suspended", {}),
    ],
)
async def test_an_event_is_believed_by_the_name_alone_that_its_publisher_may_use(
    flow: Flow, user: str, key: str, headers: Mapping[str, Any]
) -> None:
    # given the event of a domain, sent by another's login, or by another name
    async with await aio_pika.connect(flow.broker.url(user)) as connection:
        exchange = await (await connection.channel()).get_exchange(EXCHANGE, ensure=False)
        await exchange.publish(message(headers=headers), key)

    # when it is read, and sent again by an operator who knows no better
    async with running(flow.subscriber()):
        await dead(flow, 1)
        assert await replay(flow.channel, REGISTER, QUEUE) == 1
        await dead(flow, 1)

    # then nothing has come of it
    assert await flow.count("reviews.effect") == 0
    reason = await flow.admin.fetchval("SELECT DISTINCT last_error FROM reviews.delivery_attempt")
    assert reason == "UndecodableMessage: the event's name is not the routing key that it was published by"


@pytest.mark.parametrize(
    "marks",
    [
        {PUBLISHED_AS_HEADER: "seller.approved"},
        {"x-death": [{"queue": QUEUE, "reason": "rejected", "exchange": "", "count": 1, "routing-keys": [QUEUE]}]},
    ],
)
async def test_a_forgery_that_looks_like_a_replay_does_not_even_reach_the_dead_letters(
    flow: Flow, marks: Mapping[str, Any]
) -> None:
    async with await aio_pika.connect(flow.broker.url("reviews")) as connection:
        exchange = await (await connection.channel()).get_exchange(EXCHANGE, ensure=False)
        await exchange.publish(message(headers={"CC": ["seller.approved"], **marks}), "review.published")
    forged = EVENTS_CONSUMED.labels(QUEUE, "forged")
    before = forged._value.get()

    async def dropped() -> bool:
        return bool(forged._value.get() == before + 1) and await flow.depth(QUEUE) == 0

    async with running(flow.subscriber()):
        await eventually(dropped)
    assert [await flow.depth(queue) for queue in (QUEUE, DEAD)] == [0, 0]
    assert await flow.count("reviews.effect") == 0


async def test_what_an_operator_sends_again_is_believed(flow: Flow) -> None:
    async with await aio_pika.connect(flow.broker.url("sellers")) as connection:
        exchange = await (await connection.channel()).get_exchange(EXCHANGE, ensure=False)
        await exchange.publish(message(), "seller.approved")
    waiting = await flow.channel.get_queue(QUEUE)

    async def rejected() -> bool:
        found = await waiting.get(fail=False)
        if found is not None:
            await found.reject(requeue=False)
        return found is not None

    await eventually(rejected)
    await dead(flow, 1)
    async with running(flow.subscriber()):
        assert await replay(flow.channel, REGISTER, QUEUE) == 1
        await flow.settled(effects=1)
    assert await flow.count("reviews.effect") == 1

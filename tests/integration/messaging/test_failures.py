"""What fails is counted, what is away is waited for, what cannot be routed stays."""

from __future__ import annotations

import aio_pika
import pytest

from shared.db.database import UnitOfWork
from shared.ids import new_id
from shared.messaging.contract import ReceivedEvent
from shared.messaging.relay import BATCH
from shared.register import EXCHANGE
from tests.integration.messaging.flow import QUEUE, Flow, approved, eventually, record, running, suspended

DEAD = f"{QUEUE}.dlq"


class Poisoned(Exception):
    """What the handlers of these tests raise."""


class Handler:
    """Fails for the named sellers until told otherwise, and counts its runs."""

    def __init__(self, *poison: object) -> None:
        self.poison = set(poison)
        self.runs = 0

    async def __call__(self, uow: UnitOfWork, event: ReceivedEvent) -> None:
        self.runs += 1
        await record(uow, event)
        if event.aggregate_id in self.poison:
            raise Poisoned("cannot digest this")


async def dead(flow: Flow, count: int) -> None:
    async def there() -> bool:
        return await flow.depth(DEAD) == count and await flow.depth(QUEUE) == 0

    await eventually(there)


async def test_poison_is_tried_exactly_five_times_then_lies_in_the_dead_letters(flow: Flow) -> None:
    poison = [approved() for _ in range(2)]
    handler = Handler(*[event.aggregate_id for event in poison])
    await flow.commit(*poison, *[approved() for _ in range(8)])

    async with running(flow.relay(), flow.subscriber({"seller.approved": handler})):
        await flow.settled(effects=8)
        await dead(flow, 2)

    assert handler.runs == 8 + 2 * 5
    assert await flow.count("reviews.effect") == 8
    assert await flow.count("reviews.inbox") == 8
    rows = await flow.admin.fetch("SELECT consumer, attempts, last_error FROM reviews.delivery_attempt")
    assert [tuple(row) for row in rows] == [(QUEUE, 5, "Poisoned: cannot digest this")] * 2


async def test_attempts_that_failed_before_a_crash_count(flow: Flow) -> None:
    event = approved()
    await flow.commit(event)
    await flow.admin.execute(
        "INSERT INTO reviews.delivery_attempt (consumer, event_id, attempts, last_error)"
        " SELECT $1, id, 3, 'before the crash' FROM sellers.outbox",
        QUEUE,
    )
    handler = Handler(event.aggregate_id)
    async with running(flow.relay(), flow.subscriber({"seller.approved": handler})):
        await dead(flow, 1)

    assert handler.runs == 2


async def test_a_second_copy_of_a_dead_event_dies_without_another_attempt(flow: Flow) -> None:
    event = approved()
    handler = Handler(event.aggregate_id)
    await flow.commit(event)
    await flow.admin.execute(
        "INSERT INTO reviews.delivery_attempt (consumer, event_id, attempts, last_error)"
        " SELECT $1, id, 5, 'the first copy' FROM sellers.outbox",
        QUEUE,
    )
    async with running(flow.relay(), flow.subscriber({"seller.approved": handler})):
        await dead(flow, 1)

    assert handler.runs == 0
    assert await flow.admin.fetchval("SELECT attempts FROM reviews.delivery_attempt") == 5


async def test_a_success_after_failures_forgets_them(flow: Flow) -> None:
    event = approved()
    handler = Handler(event.aggregate_id)

    async def fail_twice(uow: UnitOfWork, received: ReceivedEvent) -> None:
        if handler.runs == 2:
            handler.poison.clear()
        await handler(uow, received)

    await flow.commit(event)
    async with running(flow.relay(), flow.subscriber({"seller.approved": fail_twice})):
        await flow.settled(effects=1)

    assert handler.runs == 3
    assert await flow.count("reviews.delivery_attempt") == 0
    assert await flow.depth(DEAD) == 0


@pytest.mark.parametrize(
    ("body", "message_id", "attempts"),
    [
        (b"not json", str(new_id()), 5),
        (b"not json", "no-uuid", 0),
        (b"{}", str(new_id()), 5),
    ],
)
async def test_a_message_that_is_no_event_goes_to_the_dead_letters(
    flow: Flow, body: bytes, message_id: str, attempts: int
) -> None:
    exchange = await flow.channel.get_exchange(EXCHANGE)
    await exchange.publish(aio_pika.Message(body, message_id=message_id), "seller.approved")

    async with running(flow.subscriber()):
        await dead(flow, 1)

    assert await flow.admin.fetchval("SELECT COALESCE(sum(attempts), 0) FROM reviews.delivery_attempt") == attempts
    assert await flow.count("reviews.effect") == 0


async def test_an_event_against_its_schema_is_poison_and_never_reaches_the_handler(flow: Flow) -> None:
    handler = Handler()
    await flow.commit(approved())
    await flow.admin.execute("UPDATE sellers.outbox SET payload = payload - 'owner_id'")

    async with running(flow.relay(), flow.subscriber({"seller.approved": handler})):
        await dead(flow, 1)

    assert handler.runs == 0
    row = await flow.admin.fetchrow("SELECT attempts, last_error FROM reviews.delivery_attempt")
    assert row["attempts"] == 5
    assert row["last_error"].startswith("InvalidEvent: seller.approved 1.0: ")
    assert "owner_id" in row["last_error"]


async def test_a_handler_s_own_oserror_is_a_failure_and_not_an_outage(flow: Flow) -> None:
    runs = 0

    async def no_route(uow: UnitOfWork, event: ReceivedEvent) -> None:
        nonlocal runs
        runs += 1
        raise ConnectionRefusedError("mail server")

    await flow.commit(approved())
    async with running(flow.relay(), flow.subscriber({"seller.approved": no_route})):
        await dead(flow, 1)

    assert runs == 5


async def test_without_a_bound_queue_the_row_stays_and_arrives_after_rebinding(flow: Flow) -> None:
    seller, other = new_id(), new_id()
    queue = await flow.channel.get_queue(QUEUE)
    await queue.unbind(EXCHANGE, "seller.suspended")
    await flow.commit(suspended(seller, 1), approved(seller, 2), approved(other, 1))
    try:
        async with running(flow.relay(), flow.subscriber()):

            async def other_sent() -> bool:
                return await flow.count("sellers.event_log") == 1 and await flow.count("reviews.effect") == 1

            await eventually(other_sent)
            # The later event of the same seller has not overtaken the one that found no queue.
            assert await flow.count("sellers.outbox") == 2
            assert await flow.admin.fetchval("SELECT aggregate_id FROM reviews.effect") == other

            await queue.bind(EXCHANGE, "seller.suspended")
            await flow.settled(effects=3)
    finally:
        await queue.bind(EXCHANGE, "seller.suspended")

    rows = await flow.admin.fetch(
        "SELECT aggregate_version FROM reviews.effect WHERE aggregate_id = $1 ORDER BY at", seller
    )
    assert [row["aggregate_version"] for row in rows] == [1, 2]


async def test_events_that_find_no_queue_do_not_hold_up_those_of_other_aggregates(flow: Flow) -> None:
    queue = await flow.channel.get_queue(QUEUE)
    await queue.unbind(EXCHANGE, "seller.suspended")
    try:
        # More than a batch of them, all older than the one that can go.
        await flow.commit(*[suspended(new_id(), 1) for _ in range(BATCH + 1)], approved())
        async with running(flow.relay()):

            async def passed() -> bool:
                return await flow.count("sellers.event_log") == 1

            await eventually(passed)
        assert await flow.count("sellers.outbox") == BATCH + 1
    finally:
        await queue.bind(EXCHANGE, "seller.suspended")

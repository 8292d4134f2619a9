"""From a commit to an effect: once, in order, whatever is repeated or late."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest

from shared.clock import system_clock
from shared.db.database import UnitOfWork
from shared.db.scope import Scope
from shared.ids import new_id
from shared.messaging.contract import DomainEvent, ReceivedEvent
from shared.messaging.outbox import Outbox
from shared.messaging.routing import ForeignEvent
from shared.messaging.schemas import InvalidEvent
from shared.telemetry.context import Correlation, bind
from tests.integration.messaging.flow import (
    QUEUE,
    REGISTER,
    Flow,
    approved,
    eventually,
    nothing,
    record,
    reinstated,
    running,
    suspended,
)


async def test_a_committed_event_takes_effect_once_and_moves_to_the_log(flow: Flow) -> None:
    event = approved()
    async with running(flow.relay(), flow.subscriber()):
        await flow.commit(event)
        await flow.settled(effects=1)

    assert await flow.count("reviews.effect") == 1
    assert await flow.count("reviews.inbox") == 1
    assert await flow.count("sellers.outbox") == 0
    logged = await flow.admin.fetchrow("SELECT event_name, aggregate_id, idempotency_key, id FROM sellers.event_log")
    assert logged["event_name"] == "seller.approved"
    assert logged["aggregate_id"] == event.aggregate_id
    assert logged["idempotency_key"] == f"seller:{logged['id']}"


async def test_a_backlog_that_waits_before_the_consumer_starts_is_taken_whole(flow: Flow) -> None:
    await flow.commit(*[approved() for _ in range(100)])
    assert await flow.relay_all() == 100

    async with running(flow.subscriber()):
        await flow.settled(effects=100)

    assert await flow.count("reviews.effect") == 100


async def test_a_rolled_back_unit_of_work_publishes_nothing(flow: Flow) -> None:
    async def change_one_s_mind() -> None:
        async with flow.producer.unit_of_work(Scope.ALL) as uow:
            await flow.outbox.append(uow, approved())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await change_one_s_mind()

    assert await flow.count("sellers.outbox") == 0
    assert await flow.relay_all() == 0


async def test_the_same_message_delivered_five_times_to_two_consumers_takes_effect_once(flow: Flow) -> None:
    await flow.commit(*[approved() for _ in range(10)])
    assert await flow.relay_all() == 10
    for _ in range(4):
        await flow.admin.execute(
            "INSERT INTO sellers.outbox (id, event_name, event_version, occurred_at, idempotency_key, aggregate_id,"
            " aggregate_version, payload, headers) SELECT id, event_name, event_version, occurred_at, idempotency_key,"
            " aggregate_id, aggregate_version, payload, headers FROM sellers.event_log"
        )
        await flow.admin.execute("TRUNCATE sellers.event_log")
        assert await flow.relay_all() == 10
    assert await flow.depth(QUEUE) == 50

    async with running(flow.subscriber(), flow.subscriber()):
        await flow.settled(effects=10)

    assert await flow.count("reviews.effect") == 10
    assert await flow.admin.fetchval("SELECT count(DISTINCT event_id) FROM reviews.effect") == 10


async def test_events_of_one_aggregate_arrive_in_the_order_they_were_decided(flow: Flow) -> None:
    sellers = [new_id() for _ in range(5)]
    for version in range(1, 7):
        await flow.commit(*[approved(seller, version) for seller in sellers])

    async with running(flow.relay(), flow.subscriber()):
        await flow.settled(effects=30)

    for seller in sellers:
        rows = await flow.admin.fetch(
            "SELECT aggregate_version FROM reviews.effect WHERE aggregate_id = $1 ORDER BY at", seller
        )
        assert [row["aggregate_version"] for row in rows] == [1, 2, 3, 4, 5, 6]


async def test_one_process_takes_the_events_of_an_aggregate_in_turn_and_of_others_side_by_side(flow: Flow) -> None:
    seller = new_id()
    active: Counter[UUID] = Counter()
    peaks: Counter[str] = Counter()

    async def watch(uow: UnitOfWork, event: ReceivedEvent) -> None:
        active[event.aggregate_id] += 1
        peaks["of the seller"] = max(peaks["of the seller"], active[seller])
        peaks["of all"] = max(peaks["of all"], active.total())
        await record(uow, event)
        active[event.aggregate_id] -= 1

    await flow.commit(*[approved(seller, version) for version in range(1, 6)], *[approved() for _ in range(5)])
    assert await flow.relay_all() == 10
    async with running(flow.subscriber({"seller.approved": watch})):
        await flow.settled(effects=10)

    assert peaks["of the seller"] == 1
    assert peaks["of all"] > 1


async def test_a_transaction_with_a_low_position_that_commits_late_is_still_published(flow: Flow) -> None:
    async with flow.producer.unit_of_work(Scope.ALL) as slow:
        await flow.outbox.append(slow, approved())
        await flow.commit(approved())
        assert await flow.relay_all() == 1
    late = await flow.admin.fetchval("SELECT position FROM sellers.outbox")
    sent = await flow.admin.fetchval("SELECT position FROM sellers.event_log")

    assert late < sent
    assert await flow.relay_all() == 1


async def test_only_one_relay_of_a_domain_is_active(flow: Flow) -> None:
    await flow.commit(approved())
    async with flow.admin.transaction():
        await flow.admin.execute("SELECT pg_advisory_xact_lock(hashtextextended('outbox-relay:sellers', 0))")
        assert await flow.relay_all() == 0

    assert await flow.relay_all() == 1


async def test_an_event_that_nobody_listens_to_is_logged_without_waiting_for_a_queue(flow: Flow) -> None:
    await flow.commit(reinstated(new_id(), 2))

    assert await flow.relay_all() == 1
    assert await flow.count("sellers.event_log") == 1


async def test_an_event_for_which_the_queue_has_no_handler_is_acknowledged(flow: Flow) -> None:
    await flow.commit(suspended(new_id(), 2), approved())
    assert await flow.relay_all() == 2

    async with running(flow.subscriber({"seller.approved": record})):
        await flow.settled(effects=1)

    assert await flow.count("reviews.inbox") == 1
    assert await flow.depth(f"{QUEUE}.dlq") == 0


async def test_correlation_and_causation_travel_from_the_request_to_the_handler(flow: Flow) -> None:
    seen: list[tuple[str, str | None, str | None]] = []

    async def look(uow: object, event: object) -> None:
        seen.append((event.correlation_id, event.causation_id, event.traceparent))  # type: ignore[attr-defined]

    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with bind(Correlation("story-1", "request-1", trace)):
        await flow.commit(approved())
    async with running(flow.relay(), flow.subscriber({"seller.approved": look})):

        async def handled() -> bool:
            return bool(seen)

        await eventually(handled)

    assert seen == [("story-1", "request-1", trace)]


async def test_an_event_of_another_domain_or_against_its_schema_fails_the_unit_of_work(flow: Flow) -> None:
    foreign = Outbox("reviews", flow.schemas, system_clock, nothing, register=REGISTER)
    with pytest.raises(ForeignEvent):
        async with flow.consumer.unit_of_work(Scope.ALL) as uow:
            await foreign.append(uow, approved())

    misspelt = approved()
    with pytest.raises(InvalidEvent, match="commission"):
        await flow.commit(
            DomainEvent("seller.approved", "seller", misspelt.aggregate_id, 1, {**misspelt.payload, "commission": 1})
        )
    assert await flow.count("sellers.outbox") == 0
    assert await flow.count("reviews.outbox") == 0

"""Events and workers that meet at the same moment, over real connections."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from shared.db.scope import Scope
from shared.ids import new_id
from shared.messaging.contract import ReceivedEvent
from shared.testing.eventually import eventually
from tests.integration.notifications.post import Person, PostOffice, a_person


def shipped(post: PostOffice, buyer: Person) -> ReceivedEvent:
    event_id, order_id = new_id(), new_id()
    named = {name: str(new_id()) for name in ("order_group_id", "seller_id", "shipment_id")}
    return ReceivedEvent(
        id=event_id,
        name="order.shipped",
        version="1.0",
        occurred_at=post.notifications.clock(),
        payload=named | {"order_id": str(order_id), "buyer_id": buyer.id, "lines": []},
        aggregate_id=order_id,
        aggregate_version=5,
        correlation_id=str(new_id()),
        causation_id=None,
        idempotency_key=f"order:{event_id}",
    )


async def test_a_registration_does_not_slip_past_an_order_that_is_just_being_told(post: PostOffice) -> None:
    # given a buyer who is not known, and a transaction that parks an order's notification for them
    buyer = a_person()
    handler = post.notifications.subgraph.consumers[0].handlers["order.shipped"]
    async with post.notifications.resources.database.unit_of_work(Scope.ALL) as uow:
        await handler(uow, shipped(post, buyer))
        await uow.session.flush()
        # when the registration comes before that is committed
        registration = asyncio.create_task(post.register(buyer))

        async def held_or_done() -> bool:
            waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            return registration.done() or bool(await post.notifications.rows(waiting))

        await eventually("the registration waits", held_or_done)
    await registration
    # then it has let go what was parked
    assert sorted(await post.told(buyer)) == [("ORDER_SHIPPED", "QUEUED"), ("VERIFY_EMAIL", "QUEUED")]
    assert await post.published(buyer) == ["notifications.email"] * 2


async def test_an_order_that_meets_the_registration_never_waits_for_ever(post: PostOffice) -> None:
    # given buyers whose registration and first orders arrive at the same moment
    buyers = [a_person() for _ in range(15)]
    # when both are taken side by side
    await asyncio.gather(
        *[post.register(buyer) for buyer in buyers],
        *[post.ship(buyer) for buyer in buyers],
        *[post.confirm(buyer) for buyer in buyers],
    )
    # then whoever came first, all three mails are asked for, once
    for buyer in buyers:
        assert sorted(await post.told(buyer)) == [
            ("ORDER_CONFIRMED", "QUEUED"),
            ("ORDER_SHIPPED", "QUEUED"),
            ("VERIFY_EMAIL", "QUEUED"),
        ]
        assert await post.published(buyer) == ["notifications.email"] * 3


async def test_several_workers_send_each_due_mail_once(post: PostOffice) -> None:
    # given mails whose first attempt a dead worker has left behind
    people = [a_person() for _ in range(8)]
    for person in people:
        await post.register(person)
    await post.notifications.rows("UPDATE notification SET attempts = 1, due_at = now() WHERE status = 'QUEUED'")
    post.notifications.clock.advance(timedelta(seconds=1))
    # when three workers run the job at once
    await asyncio.gather(*[post.job() for _ in range(3)])
    # then each mail has left once
    for person in people:
        assert await post.subjects(person) == ["Verify your email address"]
        assert await post.told(person) == [("VERIFY_EMAIL", "SENT")]

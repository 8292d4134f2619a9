"""Events and workers that meet at the same moment, over real connections."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tests.integration.notifications.post import PostOffice, a_person


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

"""Notifications as they come: to their reader alone, once it is known who that is."""

from __future__ import annotations

from uuid import UUID

from shared.ids import new_id
from shared.messaging.notes import Note
from subgraphs.notifications.service.announcements import NOTIFICATION_ADDED
from tests.integration.notifications.post import PostOffice, a_person

ADDED = "subscription { myNotificationAdded { template title order { id } } }"


async def test_who_watches_is_told_before_any_address_is_known(post: PostOffice) -> None:
    buyer, other = a_person(), a_person()
    async with (
        post.notifications.subscribed(ADDED, actor=buyer.actor) as next_data,
        post.notifications.subscribed(ADDED, actor=other.actor) as next_of_other,
    ):
        # when an order of each is shipped; every event comes twice
        order_id = await post.ship(buyer)
        others = await post.ship(other)
        # then each hears of their own, once: the second event makes no second notification
        shipped = {"template": "ORDER_SHIPPED", "title": "Your order was shipped"}
        assert (await next_data())["myNotificationAdded"] == shipped | {"order": {"id": order_id}}
        assert (await next_of_other())["myNotificationAdded"] == shipped | {"order": {"id": others}}
        # and the address that comes to be known later tells no more than its own letter
        await post.register(buyer)
        assert (await next_data())["myNotificationAdded"]["template"] == "VERIFY_EMAIL"


async def test_what_waited_for_a_sellers_owner_is_told_once_the_owner_is_known(post: PostOffice) -> None:
    # given a confirmed order of a seller of whom nothing was heard yet
    buyer, owner, seller_id = a_person(), a_person(), str(new_id())
    async with post.notifications.subscribed(ADDED, actor=owner.actor) as next_data:
        group = await post.confirm(buyer, (seller_id,))
        # when the owner comes to be known
        await post.approve(seller_id, owner)
        # then what waited is told, and what is new
        told = [(await next_data())["myNotificationAdded"] for _ in range(2)]
        assert [found["template"] for found in told] == ["NEW_ORDER", "SELLER_APPROVED"]
        assert told[0]["order"] == {"id": group["order_ids"][0]}


async def test_a_note_to_the_wrong_reader_shows_nothing(post: PostOffice) -> None:
    buyer, stranger = a_person(), a_person()
    await post.ship(buyer)
    own = await post.ship(stranger)
    rows = {
        str(row["user_id"]): row["id"] for row in await post.notifications.rows("SELECT id, user_id FROM notification")
    }
    async with post.notifications.subscribed(ADDED, actor=stranger.actor) as next_data:
        # when a bug tells a stranger of it, and then of what is theirs
        async with post.notifications.resources.database.unit_of_work() as uow:
            for subject in (rows[buyer.id], rows[stranger.id]):
                note = Note(NOTIFICATION_ADDED, UUID(stranger.id), subject)
                post.notifications.resources.notes.tell(uow, [note])
        # then the first they see is their own
        assert (await next_data())["myNotificationAdded"]["order"] == {"id": own}

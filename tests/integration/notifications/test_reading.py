"""Who sees which notifications, what a page of them costs, and marking them read."""

from __future__ import annotations

from typing import Any

from shared.auth.actor import ANONYMOUS, Actor, Role
from shared.ids import new_id
from tests.integration.notifications.post import Person, PostOffice, a_person

MINE = """query($unread: Boolean! = false, $first: Int, $after: String) {
  myNotifications(unread: $unread, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor }
    edges { node { id template title text readAt order { id } orderGroup { id } } }
  }
}"""
MARK = """mutation($input: MarkNotificationReadInput!) {
  markNotificationRead(input: $input) { notification { id readAt } userErrors { code field } }
}"""
SUPPORT = Actor(user_id=new_id(), roles=frozenset({Role.SUPPORT}))


async def nodes(post: PostOffice, person: Person, **variables: Any) -> list[dict[str, Any]]:
    data = await post.notifications.data(MINE, variables, actor=person.actor)
    return [edge["node"] for edge in data["myNotifications"]["edges"]]


async def mark(post: PostOffice, actor: Actor, notification_id: str, key: str | None = None) -> dict[str, Any]:
    variables = {"idempotencyKey": key or str(new_id()), "notificationId": notification_id}
    answer: dict[str, Any] = (await post.notifications.data(MARK, {"input": variables}, actor=actor))[
        "markNotificationRead"
    ]
    return answer


async def test_a_user_reads_what_the_mail_says_without_its_secret(post: PostOffice) -> None:
    # given a registered buyer with a confirmed and a shipped order
    buyer = a_person()
    await post.register(buyer, token="s3cret-token")
    group = await post.confirm(buyer)
    order_id = await post.ship(buyer)
    # when they read their notifications
    shipped, confirmed, verify = await nodes(post, buyer)
    # then the newest comes first, with what it is about
    assert (shipped["title"], shipped["order"]) == ("Your order was shipped", {"id": order_id})
    assert confirmed["text"] == (
        f"Thank you. Your order {group['order_group_id']} over 123.05 EUR is paid and being prepared."
    )
    assert (confirmed["order"], confirmed["orderGroup"]) == (None, {"id": group["order_group_id"]})
    assert verify["template"] == "VERIFY_EMAIL"
    assert "s3cret-token" not in verify["text"]


async def test_pages_follow_one_another_and_count_only_when_asked(post: PostOffice) -> None:
    # given five notifications
    buyer = a_person()
    shipped = [await post.ship(buyer) for _ in range(5)]
    # when they are read in pages of two
    seen, after = [], None
    while True:
        page = await post.notifications.data(MINE, {"first": 2, "after": after}, actor=buyer.actor)
        found = page["myNotifications"]
        assert found["totalCount"] == 5
        seen += [edge["node"]["order"]["id"] for edge in found["edges"]]
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
    # then each came once, newest first
    assert seen == list(reversed(shipped))


async def test_marking_as_read_happens_once_and_filters(post: PostOffice) -> None:
    # given two notifications
    buyer, key = a_person(), str(new_id())
    await post.ship(buyer)
    await post.ship(buyer)
    newest, oldest = await nodes(post, buyer)
    # when one is marked read, and again with the same and with another key
    first = await mark(post, buyer.actor, newest["id"], key)
    again = await mark(post, buyer.actor, newest["id"], key)
    later = await mark(post, buyer.actor, newest["id"])
    # then it stays read since the first time, and only the other is unread
    assert first["userErrors"] == []
    assert first["notification"]["readAt"] is not None
    assert first == again == later
    assert [node["id"] for node in await nodes(post, buyer, unread=True)] == [oldest["id"]]


async def test_nobody_marks_what_was_told_to_somebody_else(post: PostOffice) -> None:
    # given a buyer's notification
    buyer = a_person()
    await post.ship(buyer)
    (node,) = await nodes(post, buyer)
    # when another user and staff mark it
    answers = [await mark(post, actor, node["id"]) for actor in (a_person().actor, SUPPORT)]
    # then there is no such notification for them, and it stays unread
    assert [answer["userErrors"] for answer in answers] == [
        [{"code": "NOTIFICATION_NOT_FOUND", "field": ["notificationId"]}]
    ] * 2
    assert (await nodes(post, buyer))[0]["readAt"] is None


async def test_row_level_security_hides_notifications_and_addresses_from_others(post: PostOffice) -> None:
    # given a buyer's notification
    buyer = a_person()
    await post.register(buyer)
    (node,) = await nodes(post, buyer)
    # when each kind of actor asks for the entity
    reference = {"__typename": "Notification", "id": node["id"]}
    seen = [
        (await post.notifications.entities("... on Notification { id }", reference, actor=actor))[0]
        for actor in (buyer.actor, SUPPORT, a_person().actor, ANONYMOUS)
    ]
    # then others see nothing
    assert seen == [{"id": node["id"]}, {"id": node["id"]}, None, None]
    # and not even the user's own transaction sees where their mail goes
    async with post.notifications.resources.database.read(buyer.actor.scope()) as session:
        connection = await session.connection()
        assert (await connection.exec_driver_sql("SELECT count(*) FROM recipient")).scalar_one() == 0


async def test_a_users_notifications_are_for_themselves_and_staff(post: PostOffice) -> None:
    # given a buyer with a notification
    buyer = a_person()
    order_id = await post.ship(buyer)
    query = (
        "query($r: [_Any!]!) { _entities(representations: $r)"
        " { ... on User { notifications { edges { node { order { id } } } } } } }"
    )
    variables = {"r": [{"__typename": "User", "id": buyer.id}]}
    # when the buyer, staff, another user and a visitor ask
    answers = [
        await post.notifications.execute(query, variables, actor=actor)
        for actor in (buyer.actor, SUPPORT, a_person().actor, ANONYMOUS)
    ]
    # then the last two are told why not
    shown = {"edges": [{"node": {"order": {"id": order_id}}}]}
    assert [answer["data"]["_entities"][0]["notifications"] for answer in answers] == [shown, shown, None, None]
    assert [answer["errors"][0]["extensions"]["code"] for answer in answers[2:]] == ["FORBIDDEN", "UNAUTHENTICATED"]


async def test_a_visitor_has_no_notifications(post: PostOffice) -> None:
    answer = await post.notifications.execute(MINE, {})
    assert answer["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_the_notifications_of_ten_users_cost_two_statements(post: PostOffice) -> None:
    # given ten buyers with a notification each
    buyers = [a_person() for _ in range(10)]
    for buyer in buyers:
        await post.ship(buyer)
    post.notifications.reset_statements()
    # when staff asks for all of them
    found = await post.notifications.entities(
        "... on User { notifications(first: 1) { edges { node { title } } } }",
        *[{"__typename": "User", "id": buyer.id} for buyer in buyers],
        actor=SUPPORT,
    )
    # then one statement sets the scope and one reads them all
    assert found == [{"notifications": {"edges": [{"node": {"title": "Your order was shipped"}}]}}] * 10
    assert len(post.notifications.statements) == 2

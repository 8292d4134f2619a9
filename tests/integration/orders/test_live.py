"""Live updates: buyers watch their orders and sellers what they may pack, each with their own eyes."""

from __future__ import annotations

from uuid import UUID

from shared.auth.actor import ANONYMOUS
from shared.messaging.notes import Note
from subgraphs.orders.service.watching import ORDER_RECEIVED, ORDER_UPDATED
from tests.integration.orders.market import SHIP, STAFF, Market, a_buyer, key, seller_actor

MINE = "subscription { orderUpdated { id status refunded { amount } orderGroup { status } } }"
ONE = "subscription($id: ID!) { orderUpdated(orderId: $id) { id status history { toStatus } } }"
RECEIVED = "subscription { sellerOrderReceived { id status total { amount } lines { title quantity } } }"


async def test_a_buyer_sees_each_step_of_an_order_as_it_is_then(market: Market) -> None:
    buyer, goods = a_buyer(), await market.sell()
    async with market.orders.subscribed(MINE, actor=buyer) as next_data:
        # when an order is placed, reserved, paid and confirmed
        group = await market.checkout(buyer, goods)
        order = {"id": group["orders"][0]["id"], "refunded": {"amount": 0}}
        steps = [(await next_data())["orderUpdated"]]
        for name in ("inventory.reserved", "payment.captured", "inventory.committed"):
            await market.tell(name, group)
            steps.append((await next_data())["orderUpdated"])
        # then each step is told with the state that it led to, also of the checkout
        assert steps == [
            order | {"status": status, "orderGroup": {"status": of_group}}
            for status, of_group in (
                ("PLACED", "RESERVING"),
                ("PLACED", "AWAITING_PAYMENT"),
                ("PLACED", "PAID"),
                ("CONFIRMED", "CONFIRMED"),
            )
        ]
        # and so is money that goes back
        refund = {"order_id": order["id"], "amount": 400}
        await market.tell("refund.succeeded", group, **refund)
        assert (await next_data())["orderUpdated"]["refunded"] == {"amount": 400}


async def test_of_several_orders_only_the_one_that_is_watched_is_told(market: Market) -> None:
    buyer, goods = a_buyer(), await market.sell()
    first, second = await market.confirmed(buyer, goods), await market.confirmed(buyer, goods)
    other, watched = first["orders"][0]["id"], second["orders"][0]["id"]
    async with market.orders.subscribed(ONE, {"id": watched}, actor=buyer) as next_data:
        # when both are shipped, the other one first
        for order_id in (other, watched):
            values = {"idempotencyKey": key(), "orderId": order_id, "carrier": "DHL"}
            await market.orders.data(SHIP, {"input": values}, actor=seller_actor(goods.seller_id))
        # then the watched one is told first, with its history read anew
        assert (await next_data())["orderUpdated"] == {
            "id": watched,
            "status": "SHIPPED",
            "history": [{"toStatus": status} for status in ("PLACED", "CONFIRMED", "SHIPPED")],
        }


async def test_buyers_and_sellers_hear_of_their_own_orders_alone(market: Market) -> None:
    # given two buyers and two sellers who watch, the sellers for what they may pack
    ours, theirs = await market.sell(), await market.sell()
    buyer, other = a_buyer(), a_buyer()
    async with (
        market.orders.subscribed(MINE, actor=other) as next_of_other,
        market.orders.subscribed(RECEIVED, actor=seller_actor(ours.seller_id)) as next_of_ours,
        market.orders.subscribed(RECEIVED, actor=seller_actor(theirs.seller_id)) as next_of_theirs,
    ):
        # when one leaves an order unpaid and buys of one seller, and then the other of the other
        unpaid = await market.checkout(buyer, ours)
        await market.tell("inventory.reserved", unpaid)
        first = await market.confirmed(buyer, ours, quantity=2)
        second = await market.checkout(other, theirs)
        assert (await next_of_other())["orderUpdated"]["id"] == second["orders"][0]["id"]
        for name in ("inventory.reserved", "payment.captured", "inventory.committed"):
            await market.tell(name, second)
        # then each has heard of its own first, and of nothing that is not to be packed
        assert (await next_of_ours())["sellerOrderReceived"] == {
            "id": first["orders"][0]["id"],
            "status": "CONFIRMED",
            "total": {"amount": 2000},
            "lines": [{"title": "Lamp", "quantity": 2}],
        }
        assert (await next_of_theirs())["sellerOrderReceived"]["id"] == second["orders"][0]["id"]


async def test_a_note_to_the_wrong_watcher_shows_nothing_of_the_order(market: Market) -> None:
    # given somebody's order, and a buyer and a seller of others who watch
    goods, stranger = await market.sell(), a_buyer()
    hidden = (await market.confirmed(a_buyer(), goods))["orders"][0]["id"]
    own = (await market.confirmed(stranger, goods))["orders"][0]["id"]
    other = await market.sell()
    sold = (await market.confirmed(a_buyer(), other))["orders"][0]["id"]
    async with (
        market.orders.subscribed(MINE, actor=stranger) as next_of_buyer,
        market.orders.subscribed(RECEIVED, actor=seller_actor(other.seller_id)) as next_of_seller,
    ):
        # when a bug tells them of it, and then of what is theirs
        assert stranger.user_id is not None
        async with market.orders.resources.database.unit_of_work() as uow:
            for subject in (hidden, own):
                market.orders.resources.notes.tell(uow, [Note(ORDER_UPDATED, stranger.user_id, UUID(subject))])
            for subject in (hidden, sold):
                market.orders.resources.notes.tell(uow, [Note(ORDER_RECEIVED, UUID(other.seller_id), UUID(subject))])
        # then row-level security has hidden it: the first they see is their own
        assert (await next_of_buyer())["orderUpdated"]["id"] == own
        assert (await next_of_seller())["sellerOrderReceived"]["id"] == sold


async def test_who_may_not_watch_is_refused_and_nothing_is_opened(market: Market) -> None:
    goods, buyer = await market.sell(), a_buyer()
    order_id = (await market.confirmed(buyer, goods))["orders"][0]["id"]
    seller = seller_actor(goods.seller_id)
    received_of = "subscription($id: ID!) { sellerOrderReceived(sellerId: $id) { id } }"
    refused = [
        (MINE, {}, ANONYMOUS, "UNAUTHENTICATED"),
        (ONE, {"id": order_id}, ANONYMOUS, "UNAUTHENTICATED"),
        (ONE, {"id": order_id}, a_buyer(), "ORDER_NOT_FOUND"),
        # Who may see an order but has not bought it hears of it in other ways.
        (ONE, {"id": order_id}, seller, "ORDER_NOT_FOUND"),
        (ONE, {"id": order_id}, STAFF, "ORDER_NOT_FOUND"),
        (ONE, {"id": "1"}, buyer, "INVALID_ID"),
        (RECEIVED, {}, buyer, "FORBIDDEN"),
        (RECEIVED, {}, STAFF, "FORBIDDEN"),
        (received_of, {"id": key()}, seller, "FORBIDDEN"),
        (received_of, {"id": "1"}, seller, "INVALID_ID"),
    ]
    for query, variables, actor, code in refused:
        answer = await market.orders.open(query, variables, actor=actor)
        assert isinstance(answer, dict), (query, actor)
        assert (answer["data"], [error["extensions"]["code"] for error in answer["errors"]]) == (None, [code])
    assert market.orders.resources.hub.open_streams == 0

"""After the payment: parcels, deliveries, and one seller's order that is cancelled."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shared.auth.actor import Actor
from tests.integration.orders.market import CANCEL, DELIVER, SHIP, STAFF, Goods, Market, a_buyer, key, seller_actor


@pytest.fixture(scope="module")
async def goods(market: Market) -> Goods:
    return await market.sell(2500)


async def ship(market: Market, order_id: str, actor: Actor, *lines: tuple[str, int]) -> dict[str, Any]:
    parcel = [{"lineId": line_id, "quantity": quantity} for line_id, quantity in lines]
    values = {"idempotencyKey": key(), "orderId": order_id, "carrier": "Post", "trackingCode": "T1", "lines": parcel}
    payload: dict[str, Any] = (await market.orders.data(SHIP, {"input": values}, actor=actor))["shipOrder"]
    return payload


async def deliver(market: Market, order_id: str, actor: Actor) -> dict[str, Any]:
    values = {"idempotencyKey": key(), "orderId": order_id}
    payload: dict[str, Any] = (await market.orders.data(DELIVER, {"input": values}, actor=actor))["deliverOrder"]
    return payload


async def cancel(market: Market, order_id: str, actor: Actor) -> dict[str, Any]:
    values = {"idempotencyKey": key(), "orderId": order_id}
    payload: dict[str, Any] = (await market.orders.data(CANCEL, {"input": values}, actor=actor))["cancelOrder"]
    return payload


async def test_an_order_leaves_in_two_parcels_and_is_delivered(market: Market, goods: Goods) -> None:
    # given a confirmed order of three pieces
    seller = seller_actor(goods.seller_id)
    group = await market.confirmed(a_buyer(), goods, quantity=3)
    order = group["orders"][0]
    line_id = order["lines"][0]["id"]
    # when one piece leaves
    first = await ship(market, order["id"], seller, (line_id, 1))
    # then the order is not shipped yet
    assert first["userErrors"] == []
    assert first["order"]["status"] == "CONFIRMED"
    assert first["order"]["shipments"] == [
        {
            "carrier": "Post",
            "trackingCode": "T1",
            "lines": [{"quantity": 1, "line": {"id": line_id, "shippedQuantity": 1}}],
        }
    ]
    # and when more is asked for than is left, nothing leaves
    refused = await ship(market, order["id"], seller, (line_id, 3))
    assert [(e["code"], e["message"][:13]) for e in refused["userErrors"]] == [("NOT_SHIPPABLE", "Only 2 of SKU")]
    # and when the rest leaves and arrives
    assert (await ship(market, order["id"], seller))["order"]["status"] == "SHIPPED"
    delivered = await deliver(market, order["id"], seller)
    assert delivered == {"order": {"id": order["id"], "status": "DELIVERED"}, "userErrors": []}
    # then each step was told, in the order's own sequence
    assert await market.told(order["id"]) == [("order.shipped", 2), ("order.shipped", 3), ("order.delivered", 4)]
    shipped = await market.last("order.shipped", order["id"])
    assert [(line["line_id"], line["quantity"]) for line in shipped["lines"]] == [(line_id, 2)]
    told = await market.last("order.delivered", order["id"])
    assert told["lines"] == [
        {"line_id": line_id, "product_id": goods.product_id, "variant_id": goods.variant_id, "quantity": 3}
    ]
    history = await market.orders.data(
        "query($id: ID!) { order(id: $id) { history { fromStatus toStatus cause } } }",
        {"id": order["id"]},
        actor=seller,
    )
    assert [tuple(step.values()) for step in history["order"]["history"]] == [
        (None, "PLACED", "checkout"),
        ("PLACED", "CONFIRMED", "inventory.committed"),
        ("CONFIRMED", "SHIPPED", "shipOrder"),
        ("SHIPPED", "DELIVERED", "deliverOrder"),
    ]


async def test_an_order_ships_only_once_it_is_confirmed_and_by_its_seller(market: Market, goods: Goods) -> None:
    # given an order that is not paid
    buyer = a_buyer()
    group = await market.checkout(buyer, goods)
    order_id = group["orders"][0]["id"]
    # when its seller, another seller and its buyer ship it
    own = await ship(market, order_id, seller_actor(goods.seller_id))
    other = await ship(market, order_id, seller_actor(key()))
    values = {"idempotencyKey": key(), "orderId": order_id, "carrier": "Post"}
    forbidden = await market.orders.execute(SHIP, {"input": values}, actor=buyer)
    # then all are refused and nothing has left
    assert [e["code"] for e in own["userErrors"]] == ["NOT_SHIPPABLE"]
    assert [e["code"] for e in other["userErrors"]] == ["ORDER_NOT_FOUND"]
    assert forbidden["errors"][0]["extensions"] == {"code": "FORBIDDEN"}
    assert await market.orders.rows("SELECT 1 FROM shipment WHERE order_id = :o", o=order_id) == []


async def test_staff_may_note_a_delivery_but_a_stranger_may_not(market: Market, goods: Goods) -> None:
    group = await market.confirmed(a_buyer(), goods)
    order_id = group["orders"][0]["id"]
    early = await deliver(market, order_id, STAFF)
    assert early["userErrors"] == [{"code": "NOT_DELIVERABLE"}]
    await ship(market, order_id, seller_actor(goods.seller_id))
    stranger = await deliver(market, order_id, seller_actor(key()))
    assert stranger["userErrors"] == [{"code": "ORDER_NOT_FOUND"}]
    assert (await deliver(market, order_id, STAFF))["order"]["status"] == "DELIVERED"


@pytest.mark.parametrize(("who", "reason"), [("buyer", "BUYER"), ("seller", "SELLER"), ("staff", "BUYER")])
async def test_one_paid_order_is_cancelled_and_the_other_lives(market: Market, who: str, reason: str) -> None:
    # given a confirmed group of two sellers
    buyer, first, second = a_buyer(), await market.sell(100), await market.sell(300)
    group = await market.confirmed(buyer, first, second, quantity=2)
    order = next(o for o in group["orders"] if o["seller"]["id"] == first.seller_id)
    other = next(o for o in group["orders"] if o["seller"]["id"] == second.seller_id)
    actor = {"buyer": buyer, "seller": seller_actor(first.seller_id), "staff": STAFF}[who]
    # when a stranger and then somebody whom it concerns cancels the first
    assert (await cancel(market, order["id"], seller_actor(second.seller_id)))["userErrors"] == [
        {"code": "ORDER_NOT_FOUND"}
    ]
    assert await market.told(order["id"]) == []
    done = await cancel(market, order["id"], actor)
    # then it tells what is to be restocked and refunded
    assert done["order"] == {"id": order["id"], "status": "CANCELLED", "cancelReason": reason}
    assert await market.told(order["id"]) == [("order.cancelled", 2)]
    told = await market.last("order.cancelled", order["id"])
    assert (told["order_id"], told["seller_id"], told["paid"], told["total"]) == (
        order["id"],
        first.seller_id,
        True,
        200,
    )
    assert told["lines"] == [
        {"line_id": order["lines"][0]["id"], "variant_id": first.variant_id, "quantity": 2, "total": 200}
    ]
    # and the rest is as it was
    assert (await market.order(other["id"]))["status"] == "CONFIRMED"
    assert (await market.group(group["id"]))["status"] == "CONFIRMED"
    assert (await cancel(market, order["id"], actor))["userErrors"] == [{"code": "NOT_CANCELLABLE"}]


async def test_an_order_cancelled_between_payment_and_commit_is_not_confirmed(market: Market) -> None:
    # given a paid group of two sellers whose stock is not committed yet
    buyer, first, second = a_buyer(), await market.sell(100), await market.sell(300)
    group = await market.checkout(buyer, first, second)
    await market.tell("inventory.reserved", group)
    await market.tell("payment.captured", group)
    gone, kept = group["orders"]
    # when one order is cancelled and then the stock is committed
    assert (await cancel(market, gone["id"], buyer))["order"]["status"] == "CANCELLED"
    await market.tell("inventory.committed", group)
    # then only the other is confirmed
    confirmed = await market.last("order.confirmed", group["id"])
    assert (confirmed["order_ids"], confirmed["total"]) == ([kept["id"]], kept["total"]["amount"])
    assert [(await market.order(o["id"]))["status"] for o in (gone, kept)] == ["CANCELLED", "CONFIRMED"]


async def test_a_group_of_which_nothing_is_left_is_confirmed_in_silence(market: Market, goods: Goods) -> None:
    buyer = a_buyer()
    group = await market.checkout(buyer, goods)
    await market.tell("inventory.reserved", group)
    await market.tell("payment.captured", group)
    await cancel(market, group["orders"][0]["id"], buyer)
    await market.tell("inventory.committed", group)
    assert (await market.group(group["id"]))["status"] == "CONFIRMED"
    assert (await market.told(group["id"]))[-1] == ("order.paid", 3)


async def test_an_unpaid_order_is_not_cancelled_alone_nor_one_that_has_left(market: Market, goods: Goods) -> None:
    buyer = a_buyer()
    unpaid = await market.checkout(buyer, goods)
    assert (await cancel(market, unpaid["orders"][0]["id"], buyer))["userErrors"] == [{"code": "ORDER_NOT_PAID"}]
    group = await market.confirmed(buyer, goods, quantity=2)
    order = group["orders"][0]
    await ship(market, order["id"], seller_actor(goods.seller_id), (order["lines"][0]["id"], 1))
    assert (await cancel(market, order["id"], buyer))["userErrors"] == [{"code": "NOT_CANCELLABLE"}]
    assert (await market.order(order["id"]))["status"] == "CONFIRMED"


async def test_shipping_and_cancelling_at_once_never_both_happen(market: Market, goods: Goods) -> None:
    buyer, seller = a_buyer(), seller_actor(goods.seller_id)
    for _ in range(5):
        # given a confirmed order
        order_id = (await market.confirmed(buyer, goods))["orders"][0]["id"]
        # when its shipment and its cancellation wait for it at once
        async with market.held("customer_order", order_id, waiting=2):
            racing = asyncio.gather(ship(market, order_id, seller), cancel(market, order_id, buyer))
        shipped, cancelled = await racing
        # then it left, or it was cancelled
        (event,) = await market.told(order_id)
        outcome = (event, (await market.order(order_id))["status"])
        if shipped["order"]:
            assert cancelled["userErrors"] == [{"code": "NOT_CANCELLABLE"}]
            assert outcome == (("order.shipped", 2), "SHIPPED")
        else:
            assert [e["code"] for e in shipped["userErrors"]] == ["NOT_SHIPPABLE"]
            assert outcome == (("order.cancelled", 2), "CANCELLED")


async def test_stock_that_came_back_is_noted_on_its_order(market: Market, goods: Goods) -> None:
    buyer = a_buyer()
    group = await market.confirmed(buyer, goods)
    order_id = group["orders"][0]["id"]
    await cancel(market, order_id, buyer)
    for _ in range(2):
        await market.tell("inventory.released", group, order_id=order_id)
    assert (await market.order(order_id))["restocked_at"] is not None
    assert (await market.group(group["id"]))["stock_released_at"] is None

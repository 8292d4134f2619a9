"""From a cart to a group of orders, on a real Postgres and Redis."""

from __future__ import annotations

import asyncio
from typing import Any

from shared.auth.actor import Actor
from tests.integration.orders.market import CHECKOUT, Market, a_buyer, key


async def count(market: Market, table: str, buyer: Actor) -> int:
    rows = await market.orders.rows(f"SELECT 1 FROM {table} WHERE buyer_id = :b", b=buyer.user_id)
    return len(rows)


async def refused(market: Market, buyer: Actor, version: int) -> list[dict[str, Any]]:
    """The refusals of a checkout that must leave nothing behind."""
    payload = await market.try_checkout(buyer, version)
    assert payload["orderGroup"] is None
    assert await count(market, "order_group", buyer) == 0
    errors: list[dict[str, Any]] = payload["userErrors"]
    return errors


async def test_a_checkout_splits_the_cart_by_seller_and_freezes_every_figure(market: Market) -> None:
    # given a cart with things of two sellers, one with a commission rule of its own
    buyer = a_buyer()
    lamp, desk = await market.sell(1250), await market.sell(9999)
    rule = {"rule_id": key(), "seller_id": desk.seller_id, "rate_bps": 725, "version": 1, "actor_id": None}
    await market.orders.deliver("commission_rule.changed", rule)
    await market.add(lamp, 3, actor=buyer)
    version = (await market.add(desk, 1, actor=buyer))["cart"]["version"]
    # when it is checked out
    payload = await market.try_checkout(buyer, version)
    # then there is one order a seller, and the group is their sum
    group = payload["orderGroup"]
    assert (payload["userErrors"], group["status"], group["total"]) == (
        [],
        "RESERVING",
        {"amount": 13749, "currency": "EUR"},
    )
    totals = {order["seller"]["id"]: order["total"]["amount"] for order in group["orders"]}
    assert totals == {lamp.seller_id: 3750, desk.seller_id: 9999}
    # and one event tells all of it
    assert await market.told(group["id"]) == [("order.created", 1)]
    created = await market.last("order.created", group["id"])
    assert (created["total"], created["buyer_id"]) == (13749, str(buyer.user_id))
    lines = {line["variant_id"]: line for order in created["orders"] for line in order["lines"]}
    frozen = ("quantity", "unit_price", "discount", "total", "commission_bps")
    assert [[lines[goods.variant_id][name] for name in frozen] for goods in (lamp, desk)] == [
        [3, 1250, 0, 3750, 1000],
        [1, 9999, 0, 9999, 725],
    ]
    assert await market.history(group["id"]) == ["RESERVING"]


async def test_a_checkout_of_another_version_of_the_cart_is_refused(market: Market) -> None:
    buyer = a_buyer()
    added = await market.add(await market.sell(), actor=buyer)
    errors = await refused(market, buyer, added["cart"]["version"] - 1)
    assert [(e["code"], e["field"]) for e in errors] == [("CART_CHANGED", ["cartVersion"])]


async def test_a_changed_price_is_refused_until_it_is_accepted(market: Market) -> None:
    # given something in a cart whose price changes
    buyer, goods = a_buyer(), await market.sell(1000)
    version = (await market.add(goods, actor=buyer))["cart"]["version"]
    await market.change_price(goods, 1100)
    # when the buyer checks out
    errors = await refused(market, buyer, version)
    # then they are told, and nothing was ordered
    assert [e["code"] for e in errors] == ["PRICE_CHANGED"]
    # and after they accept it, they pay the new price
    accept = "mutation($i: AcceptCartPricesInput!) { acceptCartPrices(input: $i) { cart { version priceChanged } } }"
    accepted = await market.orders.data(accept, {"i": {"idempotencyKey": key()}}, actor=buyer)
    assert accepted["acceptCartPrices"]["cart"] == {"version": version + 1, "priceChanged": False}
    payload = await market.try_checkout(buyer, version + 1)
    assert payload["orderGroup"]["total"]["amount"] == 1100


async def test_what_is_archived_or_of_a_suspended_seller_cannot_be_bought(market: Market) -> None:
    # given carts with something that is archived, and something whose seller is suspended
    archived, suspended = await market.sell(), await market.sell()
    buyers = a_buyer(), a_buyer()
    versions = [
        (await market.add(goods, actor=buyer))["cart"]["version"]
        for goods, buyer in zip((archived, suspended), buyers, strict=True)
    ]
    about = {"product_id": archived.product_id, "seller_id": archived.seller_id, "version": 2}
    await market.orders.deliver("product.archived", about)
    ids = {"owner_id": key(), "actor_id": key(), "reason": "fraud"}
    await market.orders.deliver("seller.suspended", ids | {"seller_id": suspended.seller_id, "version": 3})
    # when both are checked out
    found = [await refused(market, buyer, version) for buyer, version in zip(buyers, versions, strict=True)]
    # then both are refused
    assert [[e["code"] for e in errors] for errors in found] == [["NOT_FOR_SALE"], ["NOT_FOR_SALE"]]
    # and the cart shows why
    shown = await market.orders.data("{ myCart { lines { forSale } } }", actor=buyers[0])
    assert shown == {"myCart": {"lines": [{"forSale": False}]}}


async def test_without_anything_in_the_cart_there_is_nothing_to_check_out(market: Market) -> None:
    errors = await refused(market, a_buyer(), 1)
    assert [e["code"] for e in errors] == ["EMPTY_CART"]


async def test_a_visitor_must_sign_in_to_check_out(market: Market) -> None:
    answer = await market.orders.execute(CHECKOUT, {"input": {"idempotencyKey": key(), "cartVersion": 1}})
    assert answer["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_fifty_checkouts_of_one_cart_at_once_make_one_group(market: Market) -> None:
    # given one cart
    buyer = a_buyer()
    cart = (await market.add(await market.sell(700), 2, actor=buyer))["cart"]
    # when it is checked out fifty times at once, each time with a key of its own, over ten connections
    async with market.held("cart", cart["id"], waiting=10):
        racing = asyncio.gather(*(market.try_checkout(buyer, cart["version"]) for _ in range(50)))
    payloads = await racing
    # then one wins and the others find no cart
    won = [p["orderGroup"]["id"] for p in payloads if p["orderGroup"]]
    assert len(won) == 1
    assert [e["code"] for p in payloads for e in p["userErrors"]] == ["EMPTY_CART"] * 49
    assert await count(market, "order_group", buyer) == 1
    assert await market.told(won[0]) == [("order.created", 1)]


async def test_fifty_checkouts_with_one_key_at_once_have_one_effect_and_one_answer(market: Market) -> None:
    # given one cart
    buyer, one_key = a_buyer(), key()
    version = (await market.add(await market.sell(), actor=buyer))["cart"]["version"]
    # when the same request comes fifty times at once
    payloads = await asyncio.gather(*(market.try_checkout(buyer, version, idempotency_key=one_key) for _ in range(50)))
    # then every answer is the first one's
    assert {p["orderGroup"]["id"] for p in payloads} == {payloads[0]["orderGroup"]["id"]}
    assert await count(market, "customer_order", buyer) == 1


async def test_a_checked_out_cart_is_closed_and_the_next_line_opens_another(market: Market) -> None:
    buyer, goods = a_buyer(), await market.sell()
    first = await market.add(goods, actor=buyer)
    await market.try_checkout(buyer, first["cart"]["version"])
    assert await market.orders.data("{ myCart { id } }", actor=buyer) == {"myCart": None}
    second = await market.add(goods, actor=buyer)
    assert second["cart"]["id"] != first["cart"]["id"]
    assert [line["quantity"] for line in second["cart"]["lines"]] == [1]

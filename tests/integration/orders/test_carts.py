"""Carts of guests and of users, and how one becomes the other."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shared.auth.actor import ANONYMOUS, Actor
from tests.integration.orders.market import ADD, Goods, Market, a_buyer, key

CART = """query($token: String!) { cart(token: $token) {
  id version subtotal { amount currency } lines { id quantity variant { id sku title } } } }"""
MY_CART = "{ myCart { id version currency subtotal { amount } lines { quantity variant { id } } } }"
UPDATE = """mutation($i: UpdateCartLineInput!) { updateCartLine(input: $i) {
  cart { version lines { quantity } } userErrors { code } } }"""
REMOVE = """mutation($i: RemoveCartLineInput!) { removeCartLine(input: $i) {
  cart { version currency lines { id } } userErrors { code } } }"""
MERGE = """mutation($i: MergeCartInput!) { mergeCart(input: $i) {
  cart { currency lines { quantity variant { id } } } userErrors { code } } }"""


@pytest.fixture(scope="module")
async def goods(market: Market) -> Goods:
    return await market.sell(1999)


async def write(market: Market, mutation: str, values: dict[str, Any], *, actor: Actor = ANONYMOUS) -> dict[str, Any]:
    answer = await market.orders.data(mutation, {"i": {"idempotencyKey": key()} | values}, actor=actor)
    payload: dict[str, Any] = next(iter(answer.values()))
    return payload


async def test_a_guest_fills_changes_and_empties_a_cart_with_its_token(market: Market, goods: Goods) -> None:
    # given a guest who adds something
    opened = await market.add(goods, 2)
    token, cart = opened["cartToken"], opened["cart"]
    assert len(token) == 43
    # when they add more with the token
    added = await market.add(goods, 1, token=token)
    # then it is the same cart, and the secret is not told again
    assert (added["cart"]["id"], added["cartToken"]) == (cart["id"], None)
    shown = (await market.orders.data(CART, {"token": token}))["cart"]
    assert shown["subtotal"] == {"amount": 5997, "currency": "EUR"}
    assert [(line["quantity"], line["variant"]["title"]) for line in shown["lines"]] == [(3, "Blue")]
    # and it can be changed and emptied
    line = {"cartToken": token, "lineId": shown["lines"][0]["id"]}
    updated = await write(market, UPDATE, line | {"quantity": 1})
    assert updated["cart"]["lines"] == [{"quantity": 1}]
    removed = await write(market, REMOVE, line)
    assert removed["cart"] == {"version": shown["version"] + 2, "currency": None, "lines": []}


async def test_the_token_is_kept_nowhere_and_without_it_there_is_no_cart(market: Market, goods: Goods) -> None:
    # given a guest's cart
    opened = await market.add(goods)
    token, line_id = opened["cartToken"], opened["cart"]["lines"][0]["id"]
    # when somebody comes without the token, or with another
    without = await write(market, UPDATE, {"lineId": line_id, "quantity": 9})
    wrong = await write(market, UPDATE, {"lineId": line_id, "quantity": 9, "cartToken": "x" * 43})
    # then there is no such cart for them
    assert [p["userErrors"] for p in (without, wrong)] == [[{"code": "CART_NOT_FOUND"}]] * 2
    assert await market.orders.data(CART, {"token": "x" * 43}) == {"cart": None}
    shown = (await market.orders.data(CART, {"token": token}))["cart"]
    assert [line["quantity"] for line in shown["lines"]] == [1]
    # and no table holds the secret
    tables = ("cart", "cart_line", "idempotency_record", "outbox")
    dumped = [await market.orders.rows(f"SELECT t::text FROM {table} t") for table in tables]
    assert token not in str(dumped)
    assert token.encode() not in b"".join([k async for k in market.orders.resources.redis.scan_iter("*")])


async def test_a_repeated_first_line_answers_the_same_cart_without_its_secret(market: Market, goods: Goods) -> None:
    values = {"idempotencyKey": key(), "variantId": goods.variant_id, "quantity": 2}
    first = (await market.orders.data(ADD, {"input": values}))["addToCart"]
    await market.orders.resources.redis.flushall()
    again = (await market.orders.data(ADD, {"input": values}))["addToCart"]
    assert (again["cart"], again["cartToken"]) == (first["cart"], None)
    assert first["cartToken"] is not None


async def test_one_user_has_one_cart_however_many_requests_open_it(market: Market, goods: Goods) -> None:
    buyer = a_buyer()
    added = await asyncio.gather(*(market.add(goods, 1, actor=buyer) for _ in range(10)))
    assert len({payload["cart"]["id"] for payload in added}) == 1
    mine = (await market.orders.data(MY_CART, actor=buyer))["myCart"]
    assert mine["lines"] == [{"quantity": 10, "variant": {"id": goods.variant_id}}]
    assert mine["version"] == 11


async def test_a_cart_has_one_currency(market: Market, goods: Goods) -> None:
    buyer, dollars = a_buyer(), await market.sell(100, currency="USD")
    await market.add(goods, actor=buyer)
    refused = await market.add(dollars, actor=buyer)
    assert [e["code"] for e in refused["userErrors"]] == ["CURRENCY_MISMATCH"]
    mine = (await market.orders.data(MY_CART, actor=buyer))["myCart"]
    assert (mine["currency"], len(mine["lines"]), mine["version"]) == ("EUR", 1, 2)


async def test_what_is_unknown_or_unpublished_does_not_enter_a_cart(market: Market) -> None:
    buyer, seller_id = a_buyer(), await market.approve_seller()
    unknown = Goods(seller_id, key(), key(), 100)
    about = {"seller_id": seller_id, "product_id": unknown.product_id, "variant_id": key(), "version": 1}
    facts = {"sku": "S", "title": "T", "price": 100, "currency": "EUR"}
    await market.orders.deliver("variant.created", about | facts)
    unpublished = Goods(seller_id, unknown.product_id, str(about["variant_id"]), 100)
    refused = [await market.add(what, actor=buyer) for what in (unknown, unpublished)]
    assert [(e["code"], e["field"]) for p in refused for e in p["userErrors"]] == [("NOT_FOR_SALE", ["variantId"])] * 2
    assert await market.orders.data("{ myCart { id } }", actor=buyer) == {"myCart": None}


async def test_input_beyond_its_bounds_is_refused_with_its_field(market: Market, goods: Goods) -> None:
    buyer = a_buyer()
    refused = await market.add(goods, 1000, actor=buyer)
    assert [(e["code"], e["field"]) for e in refused["userErrors"]] == [("INVALID_INPUT", ["quantity"])]
    await market.add(goods, 999, actor=buyer)
    full = await market.add(goods, 1, actor=buyer)
    assert [e["code"] for e in full["userErrors"]] == ["CART_FULL"]


async def test_a_guests_cart_becomes_part_of_the_users_at_sign_in(market: Market, goods: Goods) -> None:
    # given a guest's cart and the same person's own
    buyer, other, gone = a_buyer(), await market.sell(500), await market.sell(700)
    await market.add(goods, 1, actor=buyer)
    token = (await market.add(goods, 2))["cartToken"]
    await market.add(other, 1, token=token)
    await market.add(gone, 1, token=token)
    about = {"product_id": gone.product_id, "seller_id": gone.seller_id, "version": 2}
    await market.orders.deliver("product.archived", about)
    # when they sign in and merge
    merged = await write(market, MERGE, {"cartToken": token}, actor=buyer)
    # then the lines are added up, what is not for sale stays behind, and the token is worth nothing
    assert merged["userErrors"] == []
    assert merged["cart"]["lines"] == [
        {"quantity": 3, "variant": {"id": goods.variant_id}},
        {"quantity": 1, "variant": {"id": other.variant_id}},
    ]
    assert await market.orders.data(CART, {"token": token}) == {"cart": None}
    again = await write(market, MERGE, {"cartToken": token}, actor=buyer)
    assert again["userErrors"] == [{"code": "CART_NOT_FOUND"}]


async def test_a_guests_cart_is_merged_once_by_whoever_is_first(market: Market, goods: Goods) -> None:
    token = (await market.add(goods, 5))["cartToken"]
    buyers = [a_buyer() for _ in range(5)]
    merged = await asyncio.gather(*(write(market, MERGE, {"cartToken": token}, actor=buyer) for buyer in buyers))
    assert sorted(len(payload["userErrors"]) for payload in merged) == [0, 1, 1, 1, 1]


async def test_a_user_sees_no_other_users_cart(market: Market, goods: Goods) -> None:
    owner, stranger = a_buyer(), a_buyer()
    line_id = (await market.add(goods, actor=owner))["cart"]["lines"][0]["id"]
    await market.add(goods, actor=stranger)
    refused = await write(market, UPDATE, {"lineId": line_id, "quantity": 9}, actor=stranger)
    assert refused["userErrors"] == [{"code": "CART_LINE_NOT_FOUND"}]
    shown = (await market.orders.data(MY_CART, actor=owner))["myCart"]
    assert [line["quantity"] for line in shown["lines"]] == [1]

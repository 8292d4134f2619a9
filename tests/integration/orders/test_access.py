"""Who sees what of orders, in the graph and in the tables; lists, entities and their SQL."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from shared.auth.actor import ANONYMOUS, Actor
from shared.db.scope import Scope
from tests.integration.orders.market import SHIP, STAFF, Market, a_buyer, key, seller_actor

ORDERS = """query($first: Int, $after: String, $status: OrderStatus) {
  orders(first: $first, after: $after, status: $status) {
    totalCount pageInfo { hasNextPage endCursor } edges { node { id } } } }"""
TABLES = ("order_group", "customer_order", "order_line", "shipment", "shipment_line", "state_transition")


async def seen(market: Market, query: str, order_id: str, actor: Actor) -> Any:
    return (await market.orders.execute(query, {"id": order_id}, actor=actor))["data"]


async def test_an_order_is_seen_by_its_buyer_its_seller_and_staff(market: Market) -> None:
    # given a group of two sellers
    buyer, first, second = a_buyer(), await market.sell(100), await market.sell(200)
    group = await market.confirmed(buyer, first, second)
    order_id = next(o["id"] for o in group["orders"] if o["seller"]["id"] == first.seller_id)
    query = "query($id: ID!) { order(id: $id) { id orderGroup { id } } }"
    # when each kind of actor asks
    actors = (buyer, seller_actor(first.seller_id), STAFF, seller_actor(second.seller_id), a_buyer(), ANONYMOUS)
    found = [(await seen(market, query, order_id, actor))["order"] for actor in actors]
    # then the seller sees its order without the group, which spans sellers, and strangers see nothing
    whole = {"id": order_id, "orderGroup": {"id": group["id"]}}
    assert found == [whole, {"id": order_id, "orderGroup": None}, whole, None, None, None]
    # and the group is the buyer's and staff's
    query = "query($id: ID!) { orderGroup(id: $id) { id orders { id } } }"
    visible = [(await seen(market, query, group["id"], actor))["orderGroup"] is not None for actor in actors]
    assert visible == [True, False, True, False, False, False]


async def test_lists_of_a_person_and_of_a_seller_are_theirs_and_staffs(market: Market) -> None:
    # given an order
    buyer, goods = a_buyer(), await market.sell()
    group = await market.checkout(buyer, goods)
    order_id = group["orders"][0]["id"]
    shown = "{ orders { totalCount edges { node { id } } } }"
    fragment = f"... on User {shown} ... on Seller {shown}"
    references = [{"__typename": "User", "id": str(buyer.user_id)}, {"__typename": "Seller", "id": goods.seller_id}]
    query = "query($r: [_Any!]!) { _entities(representations: $r) { %s } }" % fragment  # noqa: UP031 — braces.
    one = {"orders": {"totalCount": 1, "edges": [{"node": {"id": order_id}}]}}
    hidden = {"orders": None}

    async def ask(actor: Actor) -> tuple[Any, list[str]]:
        answer = await market.orders.execute(query, {"r": [dict(r) for r in references]}, actor=actor)
        return answer["data"]["_entities"], [e["extensions"]["code"] for e in answer.get("errors", [])]

    # when the buyer, the seller, staff, a stranger and a visitor ask for the lists on both
    assert await ask(buyer) == ([one, hidden], ["FORBIDDEN"])
    assert await ask(seller_actor(goods.seller_id)) == ([hidden, one], ["FORBIDDEN"])
    assert await ask(STAFF) == ([one, one], [])
    assert await ask(seller_actor(key())) == ([hidden, hidden], ["FORBIDDEN", "FORBIDDEN"])
    assert await ask(ANONYMOUS) == ([hidden, hidden], ["UNAUTHENTICATED", "UNAUTHENTICATED"])


async def test_row_level_security_alone_keeps_sellers_and_buyers_apart(market: Market) -> None:
    # given a shipped order
    buyer, goods = a_buyer(), await market.sell()
    group = await market.confirmed(buyer, goods)
    order_id = group["orders"][0]["id"]
    values = {"idempotencyKey": key(), "orderId": order_id, "carrier": "Post"}
    await market.orders.data(SHIP, {"input": values}, actor=seller_actor(goods.seller_id))
    database = market.orders.resources.database

    async def visible(scope: Scope) -> dict[str, int]:
        """How many rows of this group plain SQL of the run-time role finds; on pooled connections, used before."""
        condition = {
            "order_group": "id = :g",
            "order_line": "order_id = :o",
            "shipment": "order_id = :o",
            "shipment_line": "shipment_id IN (SELECT id FROM shipment WHERE order_id = :o)",
        }
        counts = {}
        async with database.read(scope) as session:
            for table in TABLES:
                where = condition.get(table, "group_id = :g")
                statement = text(f"SELECT count(*) FROM {table} WHERE {where}")
                ids = {name: value for name, value in (("g", group["id"]), ("o", order_id)) if f":{name}" in where}
                counts[table] = (await session.execute(statement, ids)).scalar_one()
        return counts

    assert buyer.user_id is not None
    everything = dict.fromkeys(TABLES, 1) | {"state_transition": 7}
    # when each scope counts
    assert await visible(Scope.ALL) == everything
    assert await visible(Scope.of_user(buyer.user_id)) == everything
    # then the seller sees all but the group and the group's steps, and others nothing at all
    assert await visible(seller_actor(goods.seller_id).scope()) == everything | {
        "order_group": 0,
        "state_transition": 3,
    }
    nothing = dict.fromkeys(TABLES, 0)
    assert await visible(seller_actor(key()).scope()) == nothing
    assert await visible(a_buyer().scope()) == nothing
    assert await visible(Scope.PUBLIC) == nothing


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM order_group",
        "DELETE FROM order_line",
        "UPDATE state_transition SET to_status = 'PAID'",
        "DELETE FROM state_transition",
        "CREATE TABLE mine (id int)",
    ],
)
async def test_the_run_time_role_cannot_unmake_what_was_ordered(market: Market, statement: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with market.orders.resources.database.unit_of_work(Scope.ALL) as uow:
            await uow.session.execute(text(statement))


async def test_my_orders_are_paged_newest_first_and_filtered(market: Market) -> None:
    # given five orders, one of them cancelled
    buyer, goods = a_buyer(), await market.sell()
    groups = [await market.checkout(buyer, goods) for _ in range(5)]
    await market.tell("inventory.reservation_failed", groups[2])
    newest_first = [group["orders"][0]["id"] for group in reversed(groups)]
    # when they are read two by two
    pages, after = [], None
    for _ in range(3):
        page = (await market.orders.data(ORDERS, {"first": 2, "after": after}, actor=buyer))["orders"]
        pages.append([edge["node"]["id"] for edge in page["edges"]])
        after = page["pageInfo"]["endCursor"]
    # then each comes once, in order
    assert pages == [newest_first[:2], newest_first[2:4], newest_first[4:]]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (5, False)
    cancelled = (await market.orders.data(ORDERS, {"status": "CANCELLED"}, actor=buyer))["orders"]
    assert [edge["node"]["id"] for edge in cancelled["edges"]] == [newest_first[2]]
    # and the seller finds the same ones, a stranger none
    query = "{ sellerOrders(first: 10) { totalCount } }"
    assert await market.orders.data(query, actor=seller_actor(goods.seller_id)) == {"sellerOrders": {"totalCount": 5}}
    assert await market.orders.data(query, actor=seller_actor(key())) == {"sellerOrders": {"totalCount": 0}}


async def test_a_page_of_twenty_orders_with_everything_costs_six_reads(market: Market) -> None:
    # given twenty shipped orders of one buyer
    buyer, goods = a_buyer(), await market.sell()
    seller = seller_actor(goods.seller_id)
    groups = [await market.confirmed(buyer, goods) for _ in range(20)]
    values = [{"orderId": g["orders"][0]["id"], "idempotencyKey": key(), "carrier": "Post"} for g in groups]
    await asyncio.gather(*(market.orders.data(SHIP, {"input": v}, actor=seller) for v in values))
    market.orders.reset_statements()
    # when a page shows them with lines, parcels, history and group
    query = """{ orders(first: 20) { edges { node { id total { amount } orderGroup { status }
      lines { title variant { sku title } } shipments { lines { quantity line { id } } } history { toStatus } } } } }"""
    page = (await market.orders.data(query, actor=buyer))["orders"]["edges"]
    # then there is one statement for each kind of thing, beside those that state whom it is for
    assert [len(edge["node"]["shipments"][0]["lines"]) for edge in page] == [1] * 20
    reads = [statement for statement in market.orders.statements if "set_config" not in statement]
    assert len(reads) == 6


async def test_orders_and_groups_are_entities_resolved_in_one_batch_each(market: Market) -> None:
    # given three groups
    buyer, goods = a_buyer(), await market.sell(100)
    groups = [await market.checkout(buyer, goods) for _ in range(3)]
    references = [{"__typename": "OrderGroup", "id": g["id"]} for g in groups]
    references += [{"__typename": "Order", "id": g["orders"][0]["id"]} for g in groups]
    references += [{"__typename": "Order", "id": key()}]
    market.orders.reset_statements()
    # when they are asked for as entities, with one that nobody knows
    found = await market.orders.entities(
        "... on OrderGroup { status } ... on Order { total { amount currency } }", *references, actor=buyer
    )
    # then each type costs one statement
    assert found == [{"status": "RESERVING"}] * 3 + [{"total": {"amount": 100, "currency": "EUR"}}] * 3 + [None]
    assert len([s for s in market.orders.statements if "set_config" not in s]) == 2


async def test_a_cart_with_many_lines_costs_three_reads(market: Market) -> None:
    buyer, seller_id = a_buyer(), await market.approve_seller()
    for _ in range(5):
        await market.add(await market.sell(seller_id=seller_id), actor=buyer)
    market.orders.reset_statements()
    mine = await market.orders.data(
        "{ myCart { subtotal { amount } priceChanged lines { unitPrice { amount } variant { sku } } } }", actor=buyer
    )
    assert mine["myCart"]["subtotal"] == {"amount": 5000}
    assert len([s for s in market.orders.statements if "set_config" not in s]) == 3


async def test_the_default_commission_holds_for_sellers_without_a_rule_of_their_own(market: Market) -> None:
    # given a default rule, and a seller who was approved at another rate
    seller_id = await market.approve_seller(commission_bps=500)
    goods = await market.sell(seller_id=seller_id)
    before = await market.checkout(a_buyer(), goods)
    default = {"rule_id": key(), "seller_id": None, "rate_bps": 1234, "version": 2, "actor_id": None}
    await market.orders.deliver("commission_rule.changed", default)
    # when somebody buys from them after it was told
    after = await market.checkout(a_buyer(), goods)
    # then the later order has the default rate, and the earlier one is as it was
    rates = [
        (await market.last("order.created", group["id"]))["orders"][0]["lines"][0]["commission_bps"]
        for group in (before, after)
    ]
    assert rates == [500, 1234]

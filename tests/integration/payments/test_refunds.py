"""Refunds: full, partial, by line, automatic; never more than was paid, and exact to the cent."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from shared.auth.actor import Actor
from shared.ids import new_id
from tests.integration.payments.market import REFUND, SUPPORT, Market, a_group, a_seller

SHIPPED = ([(10_000, 1_000), (3_333, 1_250)], 499)


async def test_partial_refunds_take_commission_back_at_its_frozen_rate_and_end_exactly(market: Market) -> None:
    # given an order of 138.32, of which 14.17 are commission
    group = await market.pay(SHIPPED)
    # when it is refunded in uneven parts, and then the rest
    answers = [await market.refund(group.order(), amount=amount) for amount in (1, 3_333, 777, 6_000)]
    answers.append(await market.refund(group.order()))
    # then all of it went back, and platform and seller have nothing left of it
    assert [answer["refund"]["amount"]["amount"] for answer in answers] == [1, 3_333, 777, 6_000, 3_721]
    assert {answer["refund"]["status"] for answer in answers} == {"SUCCEEDED"}
    assert await market.balance(group.seller()) == (0, 0)
    rows = await market.payments.rows(
        "SELECT amount, refunded, commission, commission_refunded FROM payable_item WHERE order_id = :o ORDER BY position",
        o=group.order(),
    )
    assert [(r["amount"], r["commission"]) for r in rows] == [(10_000, 1_000), (3_333, 417), (499, 0)]
    assert all(r["refunded"] == r["amount"] and r["commission_refunded"] == r["commission"] for r in rows)
    # and one cent more is refused
    more = await market.refund(group.order(), amount=1)
    assert more == {"refund": None, "userErrors": [{"code": "REFUND_EXCEEDS_PAYMENT", "field": ["amount"]}]}
    await market.require_balanced_ledger()


async def test_a_refund_by_line_takes_those_lines_only(market: Market) -> None:
    # given an order of two lines and shipping
    group = await market.pay(SHIPPED)
    first, second = group.orders[0][2]
    # when one line goes back in full, one in part, and the shipping
    lines = [{"lineId": second.id}, {"lineId": first.id, "amount": 2_500}, {"lineId": group.order()}]
    answer = await market.refund(group.order(), lines=lines)
    # then the amounts are those, and the event names the lines
    refund = answer["refund"]
    taken = {line["lineId"]: line["amount"]["amount"] for line in refund["lines"]}
    assert taken == {second.id: 3_333, first.id: 2_500, group.order(): 499}
    assert refund["amount"]["amount"] == 6_332
    (told,) = [e for e in await market.payments.events("refund.succeeded") if str(e["aggregate_id"]) == refund["id"]]
    assert {line["line_id"]: line["amount"] for line in told["payload"]["lines"]} == taken
    assert (told["payload"]["order_id"], told["payload"]["actor_id"]) == (group.order(), str(SUPPORT.user_id))
    # and the seller keeps 9000 less 2250
    assert await market.balance(group.seller()) == (6_750, 0)


async def test_refunds_of_lines_are_refused_with_their_field(market: Market) -> None:
    # given a paid order
    group = await market.pay(SHIPPED)
    line = group.orders[0][2][0].id
    # when lines are named wrongly
    unknown = await market.refund(group.order(), lines=[{"lineId": line}, {"lineId": str(new_id())}])
    too_much = await market.refund(group.order(), lines=[{"lineId": line, "amount": 10_001}])
    both = await market.refund(group.order(), lines=[{"lineId": line}], amount=1)
    twice = await market.refund(group.order(), lines=[{"lineId": line}, {"lineId": line}])
    system = await market.refund(group.order(), reason="LATE_CAPTURE")
    # then each refusal says why, and nothing was taken
    assert unknown["userErrors"] == [{"code": "LINE_NOT_FOUND", "field": ["lines", "1", "lineId"]}]
    assert too_much["userErrors"] == [{"code": "REFUND_EXCEEDS_PAYMENT", "field": ["lines", "0", "amount"]}]
    assert [answer["userErrors"][0]["code"] for answer in (both, twice, system)] == ["INVALID_INPUT"] * 3
    assert await market.payments.rows("SELECT 1 FROM refund WHERE group_id = :g", g=group.id) == []
    assert await market.balance(group.seller()) == (12_415, 0)


async def test_concurrent_partial_refunds_never_exceed_what_was_paid(market: Market) -> None:
    # given an order of 100.00
    group = await market.pay()
    # when twelve refunds of 9.00 are asked for at once
    answers = await asyncio.gather(*(market.refund(group.order(), amount=900) for _ in range(12)))
    # then eleven fit
    assert sum(1 for answer in answers if answer["refund"]) == 11
    (row,) = await market.payments.rows(
        "SELECT sum(amount)::bigint AS sum FROM refund WHERE group_id = :g AND status = 'SUCCEEDED'", g=group.id
    )
    assert row == {"sum": 9_900}
    returned = [
        r
        for r in (await market.provider.get("/refunds")).json()
        if r["of"].startswith(str(await _id(market, group.id)))
    ]
    assert sum(r["amount"] for r in returned) == 9_900
    await market.require_balanced_ledger()


async def test_a_refund_is_given_by_staff_and_the_orders_seller_only(market: Market) -> None:
    # given a paid order
    group = await market.pay(([(10_000, 1_000)], 0), ([(5_000, 1_000)], 0))
    # when others try: the buyer, the group's other seller, a visitor
    request = {"input": {"idempotencyKey": str(new_id()), "orderId": group.order(), "reason": "GOODWILL"}}
    by_buyer = await market.payments.execute(REFUND, request, actor=group.buyer)
    by_visitor = await market.payments.execute(REFUND, request)
    by_other = await market.refund(group.order(0), group.seller(1))
    # then none may, and nothing was taken
    assert by_buyer["errors"][0]["extensions"] == {"code": "FORBIDDEN"}
    assert by_visitor["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
    assert by_other["userErrors"] == [{"code": "ORDER_NOT_FOUND", "field": ["orderId"]}]
    assert await market.payments.rows("SELECT 1 FROM refund WHERE group_id = :g", g=group.id) == []
    # and the order's own seller may
    assert (await market.refund(group.order(0), group.seller(0)))["refund"]["status"] == "SUCCEEDED"


async def test_a_seller_who_bought_cannot_refund_their_own_purchase(market: Market) -> None:
    # given a seller's member who bought from somebody else, and so sees that order
    group = await market.pay()
    buyer_and_seller = Actor(user_id=group.buyer.user_id, roles=a_seller().roles, seller_id=new_id())
    # when they ask for a refund of it
    answer = await market.refund(group.order(), buyer_and_seller)
    # then it is none of their sales
    assert answer["userErrors"][0]["code"] == "ORDER_NOT_FOUND"


async def test_a_refund_with_one_key_happens_once(market: Market) -> None:
    # given a paid order
    group, key = await market.pay(), str(new_id())
    # when the same refund is asked for ten times at once, and again after Redis was emptied
    answers = await asyncio.gather(*(market.refund(group.order(), amount=4_000, idempotencyKey=key) for _ in range(10)))
    await market.payments.resources.redis.flushall()
    again = await market.refund(group.order(), amount=4_000, idempotencyKey=key)
    # then it is one refund
    assert {answer["refund"]["id"] for answer in answers} == {again["refund"]["id"]}
    rows = await market.payments.rows("SELECT status, amount FROM refund WHERE group_id = :g", g=group.id)
    assert rows == [{"status": "SUCCEEDED", "amount": 4_000}]


async def test_a_refused_refund_gives_back_what_it_had_taken(market: Market) -> None:
    # given a provider that refuses refunds
    group = await market.pay(SHIPPED)
    await market.provider.put("/behaviour", json={"refunds": "decline"})
    # when one is asked for
    answer = await market.refund(group.order(), amount=5_000)
    await market.provider.put("/behaviour", json={"refunds": "ok"})
    # then it failed, told so, and the whole order can still be refunded
    assert (answer["refund"]["status"], answer["refund"]["failureReason"]) == ("FAILED", "refund_refused")
    assert await market.events(group) == ["payment.captured", "refund.failed"]
    assert await market.balance(group.seller()) == (12_415, 0)
    assert (await market.refund(group.order()))["refund"]["amount"]["amount"] == 13_832
    await market.require_balanced_ledger()


async def test_a_cancelled_order_refunds_its_share_only_and_once(market: Market) -> None:
    # given a group of two orders, of which one was refunded in part
    group = await market.pay(([(10_000, 1_000)], 0), ([(5_000, 1_000)], 250))
    await market.refund(group.order(1), amount=1_000)
    # when that one is cancelled, and two workers look after it
    await market.cancel(group, 1)
    await asyncio.gather(market.job("settle"), market.job("settle"))
    # then the rest of it went back and the other order is untouched
    rows = await market.payments.rows(
        "SELECT amount, reason, status FROM refund WHERE group_id = :g ORDER BY created_at", g=group.id
    )
    assert rows == [
        {"amount": 1_000, "reason": "GOODWILL", "status": "SUCCEEDED"},
        {"amount": 4_250, "reason": "ORDER_CANCELLED", "status": "SUCCEEDED"},
    ]
    assert [await market.balance(group.seller(i)) for i in range(2)] == [(9_000, 0), (0, 0)]
    # and buyer and seller see it on their orders
    fragment = (
        "... on Order { refundable { amount } refunds(first: 1) { totalCount edges { node { amount { amount } } } } }"
    )
    reference = {"__typename": "Order", "id": group.order(1), "total": {"amount": 5_250, "currency": "EUR"}}
    expected = {"totalCount": 2, "edges": [{"node": {"amount": {"amount": 4_250}}}]}
    seen = [await market.payments.entities(fragment, reference, actor=a) for a in (group.buyer, group.seller(1))]
    assert seen[0] == [{"refundable": {"amount": 0}, "refunds": expected}]
    assert seen[1][0]["refunds"] == expected
    other = await market.payments.entities(fragment, reference, actor=group.seller(0))
    assert other[0]["refunds"] == {"totalCount": 0, "edges": []}


async def test_an_unpaid_order_cannot_be_refunded(market: Market) -> None:
    # given an order whose payment was declined
    group = a_group()
    await market.announce(group)
    await market.start(group, "pm_declined")
    # when a refund is asked for
    answer = await market.refund(group.order())
    # then it is refused
    assert answer["userErrors"] == [{"code": "NOT_PAID", "field": ["orderId"]}]


async def test_a_crash_before_the_refund_is_sent_is_healed_by_the_job(market: Market) -> None:
    # given a cancelled order whose refund nobody has sent yet
    group = await market.pay()
    await market.cancel(group, 0)
    assert (await market.payments.rows("SELECT status FROM refund WHERE group_id = :g", g=group.id)) == [
        {"status": "PENDING"}
    ]
    # when three workers find it
    await asyncio.gather(*(market.job("settle") for _ in range(3)))
    await market.settle(after=timedelta(minutes=1))
    # then the provider paid once
    rows = await market.payments.rows("SELECT id::text, status, tries FROM refund WHERE group_id = :g", g=group.id)
    assert [(row["status"], row["tries"]) for row in rows] == [("SUCCEEDED", 1)]
    sent = [r for r in (await market.provider.get("/refunds")).json() if r["key"] == rows[0]["id"]]
    assert [r["amount"] for r in sent] == [10_000]


async def _id(market: Market, group_id: str) -> object:
    (row,) = await market.payments.rows("SELECT id FROM payment WHERE group_id = :g", g=group_id)
    return row["id"]

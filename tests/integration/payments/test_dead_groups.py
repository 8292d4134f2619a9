"""Groups that end before their payment does: cancelled, expired, in any order of events."""

from __future__ import annotations

import asyncio

from shared.testing.eventually import eventually
from tests.integration.payments.market import Group, Market, a_group


async def test_a_late_capture_of_an_expired_group_is_refunded_in_full(market: Market) -> None:
    # given a charge that was made while its answer was cut, and a group that expired meanwhile
    group = a_group(([(10_000, 1_000)], 0), ([(3_333, 1_250)], 499))
    await market.announce(group)
    payment_id = (await market.start(group, "pm_cut"))["payment"]["id"]
    await market.expire(group)
    # when the worker wants to void it
    await market.settle()
    # then the capture is booked, and so is its refund, to the cent
    (refund,) = await market.payments.rows("SELECT * FROM refund WHERE payment_id = :p", p=payment_id)
    assert (refund["status"], refund["amount"], refund["order_id"]) == ("SUCCEEDED", group.total, None)
    assert await market.events(group) == ["payment.captured", "refund.succeeded"]
    (told,) = [e for e in await market.payments.events("refund.succeeded") if e["aggregate_id"] == refund["id"]]
    assert told["payload"]["order_id"] is None
    assert told["payload"]["reason"] == "LATE_CAPTURE"
    assert sum(line["amount"] for line in told["payload"]["lines"]) == group.total
    # and nobody has earned anything
    assert [await market.balance(group.seller(i)) for i in range(2)] == [(0, 0), (0, 0)]
    booked = await market.postings(refund["id"])
    assert booked["REFUND_PAID"] == [("BUYER_REFUNDS", group.total), ("PROVIDER_CLEARING", -group.total)]
    assert ("PLATFORM_COMMISSION", 1_417) in booked["REFUND_OWED"]
    await market.require_balanced_ledger()


async def test_a_payment_that_expires_while_it_is_processed_is_voided(market: Market) -> None:
    # given a payment that the provider has not finished when the group expires
    group = a_group()
    await market.announce(group)
    await market.start(group, "pm_stuck")
    await market.expire(group)
    # when the worker voids it at the provider
    await market.settle()
    # then it is voided, told, and nothing was charged
    assert (await market.payment(group))["status"] == "VOIDED"
    assert await market.events(group) == ["payment.authorized", "payment.voided"]
    assert await market.charges(group) == []
    assert (await market.start(group))["payment"] is None


async def test_a_declined_payment_of_a_cancelled_group_is_voided_at_once(market: Market) -> None:
    # given a declined payment
    group = a_group()
    await market.announce(group)
    await market.start(group, "pm_declined")
    # when the group is cancelled
    await market.cancel(group)
    # then it cannot be tried again
    assert (await market.start(group))["userErrors"][0]["code"] == "NOT_PAYABLE"
    assert await market.events(group) == ["payment.failed", "payment.voided"]


async def test_an_expiry_that_comes_before_the_announcement_leaves_a_tombstone(market: Market) -> None:
    # given the end of a group before its beginning
    group = a_group()
    await market.expire(group)
    assert (await market.start(group))["userErrors"][0]["code"] == "NOT_PAYABLE"
    # when it is announced
    await market.announce(group)
    # then it stays dead, and its first end stays its end
    await market.cancel(group)
    assert (await market.start(group))["userErrors"][0]["code"] == "NOT_PAYABLE"
    (row,) = await market.payments.rows("SELECT state, announced, total FROM payable_group WHERE id = :g", g=group.id)
    assert row == {"state": "EXPIRED", "announced": True, "total": 10_000}


async def test_a_capture_before_the_expiry_is_heard_of_is_refunded(market: Market) -> None:
    # given a captured payment whose group orders had given up already
    group = await market.pay()
    # when payments hears of it, twice
    await market.expire(group)
    await market.settle()
    # then all of it went back, once
    refunds = await market.payments.rows("SELECT status, amount FROM refund WHERE group_id = :g", g=group.id)
    assert refunds == [{"status": "SUCCEEDED", "amount": 10_000}]


async def test_an_order_cancelled_before_its_payment_is_refunded_when_it_is_paid(market: Market) -> None:
    # given an order of a group whose cancellation overtook everything else
    group = a_group(([(10_000, 1_000)], 0), ([(5_000, 1_000)], 0))
    await market.cancel(group, 1)
    await market.announce(group)
    # when the group is paid
    await market.start(group)
    await market.settle()
    # then that order's share went back
    refunds = await market.payments.rows("SELECT amount, order_id::text FROM refund WHERE group_id = :g", g=group.id)
    assert refunds == [{"amount": 5_000, "order_id": group.order(1)}]
    assert await market.balance(group.seller(0)) == (9_000, 0)
    assert await market.balance(group.seller(1)) == (0, 0)


async def test_races_of_paying_and_ending_leave_money_where_it_belongs(market: Market) -> None:
    # given forty groups of two orders
    groups = [a_group(([(10_000 + i, 1_250)], 99), ([(777, 1_000)], 0)) for i in range(40)]
    for group in groups:
        await market.announce(group)

    async def end(i: int, group: Group) -> None:
        match i % 4:
            case 0:
                await market.expire(group)
            case 1:
                await market.cancel(group)
            case 2:
                await market.cancel(group, 0)
            case _:
                await market.refund(group.order(1), amount=333)

    # when each is paid while it ends one way or another, with two workers at it
    methods = ("pm_ok", "pm_cut", "pm_duplicate", "pm_delayed", "pm_declined")
    await asyncio.gather(
        *(market.start(group, methods[i % 5]) for i, group in enumerate(groups)),
        *(end(i, group) for i, group in enumerate(groups)),
        market.job("settle"),
        market.job("settle"),
    )
    await eventually("all settled with the provider", market.is_settled)
    # then no group is captured twice, a dead one has all its money back, and the rest went to its sellers
    for i, group in enumerate(groups):
        charges = await market.charges(group)
        assert len(charges) <= 1
        charged, refunded = sum(charge["amount"] for charge in charges), await market.refunded(group)
        if i % 4 in {0, 1}:
            assert charged == refunded
        if i % 4 == 2 and charged:
            assert refunded == group.order_total(0)
            assert await market.balance(group.seller(0)) == (0, 0)
            assert await market.balance(group.seller(1)) == (777 - 78, 0)
    # and our books say of the provider what it says itself
    await market.require_balanced_ledger()
    await market.require_agreement_with_provider()

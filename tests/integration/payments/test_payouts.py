"""From the delivery over the hold to the payout, and back where a refund comes late."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from shared.ids import new_id
from subgraphs.payments.domain.payout import period_of
from tests.integration.payments.market import FINANCE, RUN, SUPPORT, Group, Market, a_group, a_seller


def this_week(market: Market) -> str:
    return period_of(market.payments.clock())


def of_seller(answer: dict[str, Any], group: Group) -> list[dict[str, Any]]:
    mine = str(group.seller().seller_id)
    return [edge["node"] for edge in answer["payouts"]["edges"] if edge["node"]["seller"]["id"] == mine]


async def test_money_is_available_once_the_hold_is_over(market: Market) -> None:
    # given a delivered order whose delivery was heard of before its announcement
    group = a_group()
    await market.arrive(group)
    await market.announce(group)
    await market.start(group)
    # when the job runs before and after seven days, and two workers run it at once
    await market.job("release")
    held = await market.balance(group.seller())
    market.payments.clock.advance(timedelta(days=7, seconds=1))
    await asyncio.gather(market.release(group), market.release(group))
    # then the money moved once
    assert held == (9_000, 0)
    assert await market.balance(group.seller()) == (0, 9_000)
    assert list(await market.postings(group.order())) == ["RELEASE"]
    await market.require_balanced_ledger()


async def test_a_payout_is_one_a_seller_and_week(market: Market) -> None:
    # given an approved seller with 90.00 available, and one that nobody approved
    group, unapproved = await market.pay(), await market.pay()
    await market.approve(group.seller())
    await market.deliver_and_release(group)
    await market.deliver_and_release(unapproved)
    # when payouts are run at once with three keys, and again
    week = this_week(market)
    runs = await asyncio.gather(*(market.run_payouts(week) for _ in range(3)))
    again = await market.run_payouts(week)
    # then the seller was paid once
    paid = [payout for run in (*runs, again) for payout in of_seller(run, group)]
    assert [(payout["amount"]["amount"], payout["status"]) for payout in paid] == [(9_000, "PAID")]
    assert await market.balance(group.seller()) == (0, 0)
    assert await market.balance(unapproved.seller()) == (0, 9_000)
    sent = [p for p in (await market.provider.get("/payouts")).json() if p["of"] == str(group.seller().seller_id)]
    assert [(p["amount"], p["state"]) for p in sent] == [(9_000, "SUCCEEDED")]
    booked = await market.postings(paid[0]["id"])
    assert booked == {
        "PAYOUT": [(f"SELLER_AVAILABLE:{group.seller().seller_id}", 9_000), ("PAYOUT_CLEARING", -9_000)],
        "PAYOUT_PAID": [("PAYOUT_CLEARING", 9_000), ("PROVIDER_CLEARING", -9_000)],
    }
    (told,) = [e for e in await market.payments.events("payout.paid") if str(e["aggregate_id"]) == paid[0]["id"]]
    assert told["payload"] == {
        "payout_id": paid[0]["id"],
        "seller_id": str(group.seller().seller_id),
        "amount": 9_000,
        "currency": "EUR",
        "period": week,
    }


async def test_a_refund_after_the_payout_is_netted_by_the_next(market: Market) -> None:
    # given a seller who was paid 90.00
    seller = a_seller()
    await market.approve(seller)
    first = await market.pay(([(10_000, 1_000)], 0), sellers=(seller,))
    await market.deliver_and_release(first)
    await market.run_payouts(this_week(market))
    # when half of the order is refunded, a week passes without sales, and then something is sold
    await market.refund(first.order(), amount=5_000)
    in_debt = await market.balance(seller)
    market.payments.clock.advance(timedelta(days=7))
    nothing = of_seller(await market.run_payouts(this_week(market)), first)
    second = await market.pay(([(20_000, 1_000)], 0), sellers=(seller,))
    await market.deliver_and_release(second)
    (payout,) = of_seller(await market.run_payouts(this_week(market)), first)
    # then the debt of 45.00 was taken from the 180.00
    assert in_debt == (0, -4_500)
    assert nothing == []
    assert (payout["amount"]["amount"], payout["status"]) == (13_500, "PAID")
    items = await market.payments.rows(
        "SELECT kind, amount FROM payout_item WHERE payout_id = :p ORDER BY occurred_at", p=payout["id"]
    )
    assert items == [{"kind": "REFUND_OWED", "amount": -4_500}, {"kind": "RELEASE", "amount": 18_000}]
    assert await market.balance(seller) == (0, 0)
    await market.require_balanced_ledger()


async def test_a_refused_payout_is_available_again(market: Market) -> None:
    # given a provider that refuses payouts
    group = await market.pay()
    await market.approve(group.seller())
    await market.deliver_and_release(group)
    await market.provider.put("/behaviour", json={"payouts": "decline"})
    # when payouts are run this week, and next week with the provider well again
    (refused,) = of_seller(await market.run_payouts(this_week(market)), group)
    await market.provider.put("/behaviour", json={"payouts": "ok"})
    balance = await market.balance(group.seller())
    market.payments.clock.advance(timedelta(days=7))
    (paid,) = of_seller(await market.run_payouts(this_week(market)), group)
    # then the first failed and was told, and the second paid the same
    assert (refused["status"], refused["failureReason"], balance) == ("FAILED", "account_closed", (0, 9_000))
    assert [str(e["aggregate_id"]) for e in await market.payments.events("payout.failed")] == [refused["id"]]
    assert (paid["status"], paid["amount"]["amount"]) == ("PAID", 9_000)
    await market.require_balanced_ledger()


async def test_a_partly_refunded_order_releases_what_is_left(market: Market) -> None:
    # given a delivered order of which 30.00 were refunded within the hold
    group = await market.pay()
    await market.refund(group.order(), amount=3_000)
    # when the hold is over
    await market.deliver_and_release(group)
    # then the rest is available, and nothing pending
    assert await market.balance(group.seller()) == (0, 6_300)


async def test_refunds_and_payouts_at_once_keep_the_books_balanced(market: Market) -> None:
    # given ten approved sellers with something available
    groups = [await market.pay(([(10_000 + i, 1_250)], 0)) for i in range(10)]
    for group in groups:
        await market.approve(group.seller())
        await market.arrive(group)
    market.payments.clock.advance(timedelta(days=7, seconds=1))
    for group in groups:
        await market.release(group)
    # when all are refunded in part while payouts are run, and a reader sums the ledger meanwhile
    week = this_week(market)
    results = await asyncio.gather(
        *(market.refund(group.order(), amount=1_111 + i) for i, group in enumerate(groups)),
        *(market.run_payouts(week) for _ in range(3)),
        *(market.require_balanced_ledger() for _ in range(10)),
    )
    # then every refund went through and each seller has in payout and balance what is theirs
    assert all(refund["userErrors"] == [] for refund in results[:10])
    for group in groups:
        (row,) = await market.payments.rows(
            "SELECT COALESCE(sum(amount), 0)::bigint AS sum FROM payout WHERE seller_id = :s AND status = 'PAID'",
            s=group.seller().seller_id,
        )
        (item,) = await market.payments.rows(
            "SELECT amount - refunded - commission + commission_refunded AS left FROM payable_item WHERE order_id = :o",
            o=group.order(),
        )
        pending, available = await market.balance(group.seller())
        assert (pending, row["sum"] + available) == (0, item["left"])
    await market.require_balanced_ledger()


async def test_only_finance_runs_payouts_and_reads_the_ledger(market: Market) -> None:
    # given what finance may do
    request = {"input": {"idempotencyKey": str(new_id()), "period": "2026-W48"}}
    ledger, trial = "{ ledger(first: 1) { totalCount } }", "{ trialBalance { total { amount } } }"
    for actor in (a_seller(), SUPPORT, a_group().buyer):
        # when others try
        answers = [
            await market.payments.execute(RUN, request, actor=actor),
            await market.payments.execute(ledger, actor=actor),
            await market.payments.execute(trial, actor=actor),
        ]
        # then they may not
        assert [answer["errors"][0]["extensions"] for answer in answers] == [{"code": "FORBIDDEN"}] * 3


async def test_a_week_that_has_not_begun_is_refused(market: Market) -> None:
    future = await market.run_payouts(period_of(market.payments.clock() + timedelta(days=7)))
    malformed = await market.run_payouts("2026-W54")
    assert [future["userErrors"], malformed["userErrors"]] == [
        [{"code": "PERIOD_IN_FUTURE"}],
        [{"code": "INVALID_INPUT"}],
    ]
    assert future["payouts"] is None


async def test_the_trial_balance_is_zero_and_the_ledger_pages(market: Market) -> None:
    # given a captured payment
    group = await market.pay()
    payment_id = str((await market.payment(group))["id"])
    query = """{
      trialBalance { accounts { account balance { amount } } total { amount currency } }
      ledger(first: 1) { totalCount edges { node { kind reference postings { account seller { id } amount { amount } } } } }
    }"""
    # when finance reads the books
    found = await market.payments.data(query, actor=FINANCE)
    # then they balance, and the newest entry is that capture
    balances = [account["balance"]["amount"] for account in found["trialBalance"]["accounts"]]
    assert found["trialBalance"]["total"] == {"amount": 0, "currency": "EUR"}
    assert sum(balances) == 0
    assert found["ledger"]["edges"][0]["node"] == {
        "kind": "CAPTURE",
        "reference": payment_id,
        "postings": [
            {"account": "PROVIDER_CLEARING", "seller": None, "amount": {"amount": 10_000}},
            {"account": "PLATFORM_COMMISSION", "seller": None, "amount": {"amount": -1_000}},
            {
                "account": "SELLER_PAYABLE",
                "seller": {"id": str(group.seller().seller_id)},
                "amount": {"amount": -9_000},
            },
        ],
    }


async def test_a_seller_sees_their_own_balance_and_payouts_only(market: Market) -> None:
    # given a seller who was paid
    group = await market.pay()
    await market.approve(group.seller())
    await market.deliver_and_release(group)
    await market.run_payouts(this_week(market))
    later = await market.pay(([(2_000, 1_000)], 0), sellers=(group.seller(),))
    # when the seller, another seller, the buyer and finance ask for both
    fragment = """... on Seller {
      balance { pending { amount } }
      payouts(first: 5) { totalCount edges { node { amount { amount } items { edges { node { kind amount { amount } } } } } } }
    }"""
    reference = {"__typename": "Seller", "id": str(group.seller().seller_id)}
    actors = (group.seller(), FINANCE, a_seller(), later.buyer)
    own, finance, other, buyer = [
        (await market.payments.entities(fragment, reference, actor=actor))[0] for actor in actors
    ]
    # then the first and the last see them
    released = [{"node": {"kind": "RELEASE", "amount": {"amount": 9_000}}}]
    payout = {"amount": {"amount": 9_000}, "items": {"edges": released}}
    assert own == {
        "balance": {"pending": {"amount": 1_800}},
        "payouts": {"totalCount": 1, "edges": [{"node": payout}]},
    }
    assert finance == own
    assert other == buyer == {"balance": None, "payouts": {"totalCount": 0, "edges": []}}
    # and so it is with the root fields
    mine = await market.payments.data("{ payouts { totalCount } }", actor=group.seller())
    others = await market.payments.data("{ payouts { totalCount } }", actor=a_seller())
    assert (mine["payouts"]["totalCount"], others["payouts"]["totalCount"]) == (1, 0)

"""What a seller is told of its sales: figures to the cent by day, week and month, for itself and staff alone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import text

from shared.auth.actor import ANONYMOUS, Actor
from shared.ids import new_id
from subgraphs.orders.repository.sales import SALES
from tests.integration.orders.market import CANCEL, STAFF, Goods, Market, a_buyer, key, lines_of, seller_actor

FIGURES = "orders units gross { amount currency } discount { amount } refunded { amount } net { amount }"
REPORT = """query($r: [_Any!]!, $from: DateTime!, $to: DateTime!, $interval: SalesInterval! = DAY) {
  _entities(representations: $r) { ... on Seller {
    salesReport(from: $from, to: $to, interval: $interval) { totals { FIGURES } rows { start FIGURES } } } } }"""
NOVEMBER = {"from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00Z"}
NOTHING: dict[str, list[Any]] = {"totals": [], "rows": []}


async def ask(market: Market, actor: Actor, *seller_ids: str, **period: str) -> Any:
    references = [{"__typename": "Seller", "id": seller_id} for seller_id in seller_ids]
    query = REPORT.replace("FIGURES", FIGURES)
    return await market.orders.execute(query, {"r": references} | NOVEMBER | period, actor=actor)


async def report(market: Market, seller_id: str, **period: str) -> Any:
    answer = await ask(market, seller_actor(seller_id), seller_id, **period)
    assert "errors" not in answer, answer["errors"]
    (seller,) = answer["data"]["_entities"]
    return seller["salesReport"]


def sums(
    *, orders: int, units: int, gross: int, net: int, discount: int = 0, refunded: int = 0, currency: str = "EUR"
) -> dict[str, Any]:
    return {
        "orders": orders,
        "units": units,
        "gross": {"amount": gross, "currency": currency},
        "discount": {"amount": discount},
        "refunded": {"amount": refunded},
        "net": {"amount": net},
    }


async def place(market: Market, at: str, group: dict[str, Any]) -> dict[str, Any]:
    """As if it had been checked out at that moment."""
    await market.orders.rows(
        "UPDATE customer_order SET placed_at = CAST(CAST(:at AS text) AS timestamptz) WHERE group_id = :id",
        at=at,
        id=group["id"],
    )
    return group


async def sold(market: Market, at: str, *goods: Goods, quantity: int = 1) -> dict[str, Any]:
    return await place(market, at, await market.confirmed(a_buyer(), *goods, quantity=quantity))


async def test_a_report_adds_up_what_was_paid_and_not_cancelled_to_the_cent(market: Market) -> None:
    # given a seller with two articles, and another seller in the same checkout
    lamp = await market.sell(1250)
    vase = await market.sell(399, seller_id=lamp.seller_id)
    others = await market.sell(7000)
    await sold(market, "2026-11-02T08:00:00Z", lamp, vase, others, quantity=3)
    await sold(market, "2026-11-02T23:59:59.999999Z", vase)
    # and an order with a discount, of which a part went back
    group = await sold(market, "2026-11-04T12:00:00Z", lamp, quantity=2)
    (order,) = group["orders"]
    await market.orders.rows(
        "UPDATE customer_order SET discount = 100, total = subtotal - 100 WHERE id = :id", id=order["id"]
    )
    (line_id,) = lines_of(group)
    back = {"order_id": order["id"], "lines": [{"line_id": line_id, "amount": 1150}], "amount": 1150}
    await market.tell("refund.succeeded", group, **back)
    # and what does not count: one that was never paid, and one that was cancelled after the payment
    await place(market, "2026-11-04T13:00:00Z", await market.checkout(a_buyer(), lamp))
    buyer = a_buyer()
    cancelled = await place(market, "2026-11-04T14:00:00Z", await market.confirmed(buyer, lamp))
    values = {"idempotencyKey": key(), "orderId": cancelled["orders"][0]["id"]}
    assert (await market.orders.data(CANCEL, {"input": values}, actor=buyer))["cancelOrder"]["userErrors"] == []
    await market.tell("refund.succeeded", cancelled, order_id=cancelled["orders"][0]["id"])
    # when both sellers read their reports
    found, of_the_other = await report(market, lamp.seller_id), await report(market, others.seller_id)
    # then each has its own figures, by the days on which something was sold
    second = sums(orders=2, units=7, gross=3 * 1250 + 4 * 399, net=5346)
    fourth = sums(orders=1, units=2, gross=2500, discount=100, refunded=1150, net=1250)
    assert found == {
        "totals": [sums(orders=3, units=9, gross=7846, discount=100, refunded=1150, net=6596)],
        "rows": [
            {"start": "2026-11-02T00:00:00+00:00"} | second,
            {"start": "2026-11-04T00:00:00+00:00"} | fourth,
        ],
    }
    one = sums(orders=1, units=3, gross=21000, net=21000)
    assert of_the_other == {"totals": [one], "rows": [{"start": "2026-11-02T00:00:00+00:00"} | one]}


async def test_a_period_holds_its_first_moment_and_not_its_last(market: Market) -> None:
    goods = await market.sell(100)
    for at in ("2026-11-02T10:00:00Z", "2026-11-02T12:59:59.999999Z", "2026-11-02T13:00:00Z", "2026-11-02T09:59:59Z"):
        await sold(market, at, goods)
    # when it is asked for three hours of a day, told in another offset
    period = {"from": "2026-11-02T11:00:00+01:00", "to": "2026-11-02T14:00:00+01:00"}
    found = await report(market, goods.seller_id, **period)
    # then the row tells the day in UTC that they are a part of
    assert [(row["start"], row["orders"]) for row in found["rows"]] == [("2026-11-02T00:00:00+00:00", 2)]
    assert await report(market, goods.seller_id, **{"from": "2026-11-03T00:00Z"}) == NOTHING


@pytest.mark.parametrize(
    ("interval", "rows"),
    [
        ("DAY", [("10-31", 1), ("11-01", 1), ("11-02", 1), ("11-08", 1)]),
        ("WEEK", [("10-26", 2), ("11-02", 2)]),
        ("MONTH", [("10-01", 1), ("11-01", 3)]),
    ],
)
async def test_days_weeks_from_their_mondays_and_months_are_those_of_utc(
    market: Market, interval: str, rows: list[tuple[str, int]]
) -> None:
    # given orders around the ends of a month and of two weeks
    goods = await market.sell(100)
    for at in ("2026-10-31T23:59:59Z", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z", "2026-11-08T23:59:59Z"):
        await sold(market, at, goods)
    # then each lies in its own interval
    found = await report(market, goods.seller_id, **{"from": "2026-10-01T00:00Z"}, interval=interval)
    assert [(row["start"], row["orders"]) for row in found["rows"]] == [
        (f"2026-{day}T00:00:00+00:00", orders) for day, orders in rows
    ]
    assert [total["orders"] for total in found["totals"]] == [4]


async def test_currencies_are_never_added_up(market: Market) -> None:
    euros = await market.sell(100)
    dollars = await market.sell(900, seller_id=euros.seller_id, currency="USD")
    for goods in (dollars, euros, dollars):
        await sold(market, "2026-11-02T08:00:00Z", goods)
    found = await report(market, euros.seller_id)
    of = [sums(orders=1, units=1, gross=100, net=100), sums(orders=2, units=2, gross=1800, net=1800, currency="USD")]
    assert found == {"totals": of, "rows": [{"start": "2026-11-02T00:00:00+00:00"} | each for each in of]}


async def test_a_report_is_its_sellers_and_staffs(market: Market) -> None:
    goods = await market.sell(100)
    await sold(market, "2026-11-02T08:00:00Z", goods)

    async def seen(actor: Actor) -> tuple[Any, list[str]]:
        answer = await ask(market, actor, goods.seller_id)
        codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
        found = answer["data"]["_entities"][0]["salesReport"]
        return found and [row["orders"] for row in found["rows"]], codes

    assert await seen(seller_actor(goods.seller_id)) == ([1], [])
    assert await seen(STAFF) == ([1], [])
    assert await seen(seller_actor(key())) == (None, ["FORBIDDEN"])
    assert await seen(a_buyer()) == (None, ["FORBIDDEN"])
    assert await seen(ANONYMOUS) == (None, ["UNAUTHENTICATED"])


@pytest.mark.parametrize(
    ("period", "message"),
    [
        ({"from": "2026-11-02T00:00Z", "to": "2026-11-02T00:00Z"}, "`to` must be later than `from`."),
        ({"from": "2026-11-02T00:00Z", "to": "2026-11-01T00:00Z"}, "`to` must be later than `from`."),
        (
            {"from": "2024-01-01T00:00Z", "to": "2025-01-01T00:00:00.000001Z"},
            "A report has at most 366 intervals: ask for longer ones or less time.",
        ),
    ],
)
async def test_a_period_that_is_none_or_too_long_is_refused_before_anything_is_read(
    market: Market, period: dict[str, str], message: str
) -> None:
    seller_id = key()
    market.orders.reset_statements()
    answer = await ask(market, seller_actor(seller_id), seller_id, **period)
    (error,) = answer["errors"]
    assert (error["extensions"]["code"], error["message"]) == ("INVALID_INPUT", message)
    assert answer["data"]["_entities"] == [{"salesReport": None}]
    assert market.orders.statements == []


async def test_reports_of_many_sellers_over_one_period_cost_one_statement(market: Market) -> None:
    sellers = [await market.sell(100) for _ in range(3)]
    for goods in sellers:
        await sold(market, "2026-11-02T08:00:00Z", goods, quantity=2)
    market.orders.reset_statements()
    # when staff read the reports of all, and of one who sold nothing
    answer = await ask(market, STAFF, *(goods.seller_id for goods in sellers), key())
    found = [seller["salesReport"] for seller in answer["data"]["_entities"]]
    # then there is one read, beside the one that states whom it is for
    assert [[row["units"] for row in each["rows"]] for each in found] == [[2], [2], [2], []]
    assert len([s for s in market.orders.statements if "set_config" not in s]) == 1


async def test_a_report_is_found_by_seller_and_time_in_an_index(market: Market) -> None:
    # when the seller's own read is planned, without the scan that a table this small would still tempt to
    at = market.orders.clock()
    values = {"unit": "day", "since": at, "until": at, "sellers": [new_id()]}
    async with market.orders.resources.database.read(seller_actor(key()).scope()) as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(await session.scalars(text(f"EXPLAIN {SALES.text}"), values))
    # then an index finds the seller's orders of that time alone, and another one their lines
    assert re.search(r"Index Cond: \(\(seller_id = .*placed_at >= .*placed_at < ", plan), plan
    assert "Index Cond: (order_id = o.id)" in plan, plan

"""The checkout saga over a real broker with two workers a side: nothing oversold, nothing charged twice, nothing left over."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from shared.auth.actor import Actor
from shared.ids import new_id
from shared.testing.eventually import eventually
from shared.testing.servers import Broker, MarketplaceDatabase
from tests.fixtures.invariants import broken_invariants
from tests.fixtures.saga import Saga, a_buyer, running_saga

# Production pools by transaction: so does this module, in every run.
pytestmark = pytest.mark.pooled


@pytest.fixture(scope="module")
async def saga(
    database: MarketplaceDatabase, broker: Broker, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Saga]:
    async with running_saga(database, broker, redis_url, tmp_path_factory.mktemp("saga")) as running:
        yield running


async def assert_all_invariants_hold(saga: Saga) -> None:
    async def settled() -> bool:
        return not await broken_invariants(saga.database, saga.stock)

    # Effects that are still under way (an event not yet consumed) settle; what is really broken stays broken.
    try:
        await eventually("all invariants", settled, patience=20)
    except AssertionError:
        assert await broken_invariants(saga.database, saga.stock) == {}
        raise


async def test_a_paid_checkout_is_confirmed_with_its_stock_taken(saga: Saga) -> None:
    # given a variant of which there are three
    buyer, variant_id = a_buyer(), await saga.a_variant(units=3)
    # when two are ordered and paid
    group_id = await saga.order(buyer, variant_id, quantity=2)
    await eventually("payable", lambda: saga.payable(group_id))
    paid = await saga.pay(buyer, group_id)
    # then the order is confirmed and one is left
    assert (paid["payment"]["status"], paid["userErrors"]) == ("CAPTURED", [])
    await eventually("confirmed", lambda: saga.reaches(buyer, group_id, "CONFIRMED"))
    assert await saga.inventory.rows("SELECT available FROM variant_stock WHERE variant_id = :v", v=variant_id) == [
        {"available": 1}
    ]
    await assert_all_invariants_hold(saga)


async def test_forty_buyers_for_ten_units_end_as_ten_confirmed_and_thirty_out_of_stock(saga: Saga) -> None:
    # given ten units, forty buyers, and a Redis that is emptied all the while
    variant_id, buyers = await saga.a_variant(units=10), [a_buyer() for _ in range(40)]
    flushing = asyncio.create_task(_flush_for_ever(saga))

    async def buy(buyer: Actor) -> tuple[str, str | None]:
        group_id = await saga.order(buyer, variant_id)
        group = await eventually(
            "held or refused", lambda: saga.reaches(buyer, group_id, "AWAITING_PAYMENT", "CANCELLED")
        )
        if group["status"] == "AWAITING_PAYMENT":
            await eventually("payable", lambda: saga.payable(group_id))
            assert (await saga.pay(buyer, group_id))["userErrors"] == []
            group = await eventually(
                "an end", lambda: saga.reaches(buyer, group_id, "CONFIRMED", "CANCELLED", "EXPIRED")
            )
        return group["status"], group["cancelReason"]

    # when all buy at once
    ends = Counter(await asyncio.gather(*[buy(buyer) for buyer in buyers]))
    flushing.cancel()
    # then exactly ten have it
    assert ends == {("CONFIRMED", None): 10, ("CANCELLED", "OUT_OF_STOCK"): 30}
    await assert_all_invariants_hold(saga)


async def test_the_same_key_fifty_times_charges_once(saga: Saga) -> None:
    buyer, variant_id = a_buyer(), await saga.a_variant(units=1)
    group_id, key = await saga.order(buyer, variant_id), str(new_id())
    await eventually("payable", lambda: saga.payable(group_id))
    answers = await asyncio.gather(*[saga.pay(buyer, group_id, key=key) for _ in range(50)])
    assert len({answer["payment"]["id"] for answer in answers}) == 1
    assert [answer["userErrors"] for answer in answers] == [[]] * 50
    await eventually("confirmed", lambda: saga.reaches(buyer, group_id, "CONFIRMED"))
    attempts = await saga.payments.rows(
        "SELECT a.status FROM payment_attempt a JOIN payment p ON p.id = a.payment_id WHERE p.group_id = CAST(:g AS uuid)",
        g=group_id,
    )
    assert attempts == [{"status": "CAPTURED"}]
    await assert_all_invariants_hold(saga)


async def test_a_declined_payment_may_be_tried_again(saga: Saga) -> None:
    buyer, variant_id = a_buyer(), await saga.a_variant(units=1)
    group_id = await saga.order(buyer, variant_id)
    await eventually("payable", lambda: saga.payable(group_id))
    assert (await saga.pay(buyer, group_id, method="pm_declined"))["payment"]["status"] == "FAILED"
    assert (await saga.pay(buyer, group_id))["payment"]["status"] == "CAPTURED"
    await eventually("confirmed", lambda: saga.reaches(buyer, group_id, "CONFIRMED"))
    await assert_all_invariants_hold(saga)


async def test_a_charge_whose_answer_is_cut_is_found_and_charged_once(saga: Saga) -> None:
    buyer, variant_id = a_buyer(), await saga.a_variant(units=1)
    group_id = await saga.order(buyer, variant_id)
    await eventually("payable", lambda: saga.payable(group_id))
    await saga.pay(buyer, group_id, method="pm_cut")
    await eventually("confirmed", lambda: saga.reaches(buyer, group_id, "CONFIRMED"))
    await assert_all_invariants_hold(saga)


async def test_a_deadline_that_passes_under_a_payment_ends_expired_and_refunded(saga: Saga) -> None:
    # given a payment that the provider is still working on
    buyer, variant_id = a_buyer(), await saga.a_variant(units=1)
    group_id = await saga.order(buyer, variant_id)
    await eventually("payable", lambda: saga.payable(group_id))
    assert (await saga.pay(buyer, group_id, method="pm_delayed"))["payment"]["status"] in {"PENDING", "AUTHORIZED"}
    # when the deadline passes before the capture is known
    saga.orders.clock.advance(timedelta(minutes=16))
    (expiry,) = [job for job in saga.orders.subgraph.jobs if "expire" in job.name]
    await expiry.run()
    saga.orders.clock.advance(-timedelta(minutes=16))
    assert (await saga.group(buyer, group_id))["status"] == "EXPIRED"

    # then the unit is free again, and what was captured goes back in full: it was never paid without stock
    async def refunded_or_voided() -> bool:
        rows = await saga.payments.rows(
            "SELECT p.status, coalesce(sum(r.amount) FILTER (WHERE r.status = 'SUCCEEDED'), 0) = p.amount AS refunded"
            " FROM payment p LEFT JOIN refund r ON r.payment_id = p.id WHERE p.group_id = CAST(:g AS uuid) GROUP BY p.id",
            g=group_id,
        )
        return bool(rows) and (rows[0]["status"] == "VOIDED" or rows[0]["refunded"])

    await eventually("refunded", refunded_or_voided)
    await assert_all_invariants_hold(saga)
    assert await saga.inventory.rows("SELECT available FROM variant_stock WHERE variant_id = :v", v=variant_id) == [
        {"available": 1}
    ]


async def _flush_for_ever(saga: Saga) -> None:
    while True:
        await saga.orders.resources.redis.flushall()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("invariant", "change"),
    [
        ("I1", "inventory.variant_stock SET available = available + {}"),
        ("I4", "orders.order_group SET shipping = shipping + {0}, total = total + {0}"),
        ("I7 what payments knows", "payments.payable_group SET total = total + {}"),
    ],
)
async def test_the_invariants_see_what_is_broken(saga: Saga, invariant: str, change: str) -> None:
    # given a marketplace that has sold something
    buyer, variant_id = a_buyer(), await saga.a_variant(units=1)
    group_id = await saga.order(buyer, variant_id)
    await eventually("payable", lambda: saga.payable(group_id))
    await assert_all_invariants_hold(saga)
    # when somebody with all rights alters a figure
    await saga.orders.rows(f"UPDATE {change.format(1)}")
    broken = await broken_invariants(saga.database, saga.stock)
    await saga.orders.rows(f"UPDATE {change.format(-1)}")
    # then it shows, and shows no more when it is mended
    assert any(name.startswith(invariant) for name in broken), broken
    await assert_all_invariants_hold(saga)

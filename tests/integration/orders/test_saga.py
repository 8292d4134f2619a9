"""The checkout saga: every event twice, in every order, against the deadline and against the buyer."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from shared.db.scope import Scope
from shared.ids import new_id
from shared.messaging.contract import ReceivedEvent
from subgraphs.orders.domain.saga import CapturedAmountDiffers
from tests.integration.orders.market import CANCEL_GROUP, STAFF, Goods, Market, a_buyer, key

STORY = ("inventory.reserved", "payment.captured", "inventory.committed")
CONFIRMED = [("order.created", 1), ("order.awaiting_payment", 2), ("order.paid", 3), ("order.confirmed", 4)]
DEADLINE = timedelta(minutes=15, seconds=1)


@pytest.fixture(scope="module")
async def goods(market: Market) -> Goods:
    return await market.sell(2500)


async def expire_overdue(market: Market) -> None:
    expiry, _ = market.orders.subgraph.jobs
    await expiry.run()


async def parked(market: Market, group: dict[str, Any]) -> int:
    return len(await market.orders.rows("SELECT 1 FROM parked_event WHERE group_id = :g", g=group["id"]))


@pytest.mark.parametrize("story", list(permutations(STORY)))
async def test_in_every_order_and_with_every_event_twice_a_paid_group_ends_confirmed(
    market: Market, goods: Goods, story: tuple[str, ...]
) -> None:
    # given a group that waits for its stock
    group = await market.checkout(a_buyer(), goods)
    # when the events come in this order, each redelivered once and told once more as another event
    for name in story:
        event_id, payload = new_id(), market.saga_payload(name, group)
        for repeated_id in (event_id, event_id, new_id()):
            await market.orders.deliver(name, payload, event_id=repeated_id)
    # then each step was taken and told once
    assert (await market.group(group["id"]))["status"] == "CONFIRMED"
    assert await market.told(group["id"]) == CONFIRMED
    assert await market.history(group["id"]) == ["RESERVING", "AWAITING_PAYMENT", "PAID", "CONFIRMED"]
    assert await parked(market, group) == 0
    # and its order is confirmed with it
    assert (await market.order(group["orders"][0]["id"]))["status"] == "CONFIRMED"


@pytest.mark.parametrize("story", list(permutations((*STORY, "payment.failed"))))
async def test_a_decline_among_them_changes_nothing(market: Market, goods: Goods, story: tuple[str, ...]) -> None:
    group = await market.checkout(a_buyer(), goods)
    for name in story:
        await market.tell(name, group)
    assert await market.told(group["id"]) == CONFIRMED


@pytest.mark.parametrize(
    ("story", "late"),
    [
        (("inventory.reservation_failed", "payment.captured"), True),
        (("payment.captured", "inventory.reservation_failed"), True),
        (("inventory.reservation_failed", "inventory.reserved", "inventory.committed"), False),
    ],
)
async def test_without_stock_a_group_is_cancelled_whatever_else_is_told(
    market: Market, goods: Goods, story: tuple[str, ...], late: bool
) -> None:
    group = await market.checkout(a_buyer(), goods)
    for name in story:
        event_id = new_id()
        payload = market.saga_payload(name, group)
        await market.orders.deliver(name, payload, event_id=event_id)
        await market.orders.deliver(name, payload, event_id=event_id)
    found = await market.group(group["id"])
    assert (found["status"], found["cancel_reason"]) == ("CANCELLED", "OUT_OF_STOCK")
    assert (found["late_payment_id"] is not None) is late
    assert await market.told(group["id"]) == [("order.created", 1), ("order.cancelled", 2)]
    told = await market.last("order.cancelled", group["id"])
    assert {name: told[name] for name in ("order_id", "seller_id", "paid", "lines", "total", "reason")} == {
        "order_id": None,
        "seller_id": None,
        "paid": False,
        "lines": [],
        "total": 2500,
        "reason": "OUT_OF_STOCK",
    }
    order = await market.order(group["orders"][0]["id"])
    assert (order["status"], order["cancel_reason"]) == ("CANCELLED", "OUT_OF_STOCK")


async def test_the_events_of_the_saga_carry_all_orders_and_lines(market: Market) -> None:
    # given a paid and confirmed group of two sellers
    group = await market.confirmed(a_buyer(), await market.sell(100), await market.sell(250), quantity=2)
    # then awaiting_payment and paid carry what created told
    created = await market.last("order.created", group["id"])
    awaiting = await market.last("order.awaiting_payment", group["id"])
    paid = await market.last("order.paid", group["id"])
    assert awaiting == created
    assert {name: value for name, value in paid.items() if name != "payment_id"} == {
        name: value for name, value in created.items() if name != "expires_at"
    }
    assert paid["payment_id"] == str((await market.group(group["id"]))["payment_id"])
    # and confirmed names orders and sellers in the same order
    confirmed = await market.last("order.confirmed", group["id"])
    assert (confirmed["total"], confirmed["order_ids"], confirmed["seller_ids"]) == (
        700,
        [order["order_id"] for order in created["orders"]],
        [order["seller_id"] for order in created["orders"]],
    )


async def test_the_third_decline_cancels_and_a_capture_after_it_is_noted(market: Market, goods: Goods) -> None:
    # given a group that awaits its payment
    group = await market.checkout(a_buyer(), goods)
    await market.tell("inventory.reserved", group)
    # when it is declined twice, once told twice
    for attempt in (2, 1, 2):
        await market.tell("payment.failed", group, attempt=attempt)
    assert (await market.group(group["id"]))["status"] == "AWAITING_PAYMENT"
    # and a third time, while a fourth attempt was captured
    await market.tell("payment.failed", group, attempt=3)
    await market.tell("payment.captured", group)
    # then it is cancelled, and the money is known to be late
    found = await market.group(group["id"])
    assert (found["status"], found["cancel_reason"], found["paid_at"]) == ("CANCELLED", "PAYMENT_FAILED", None)
    assert found["late_payment_id"] is not None
    assert [name for name, _ in await market.told(group["id"])] == [
        "order.created",
        "order.awaiting_payment",
        "order.cancelled",
    ]


async def test_another_amount_than_the_total_never_pays_a_group(market: Market, goods: Goods) -> None:
    group = await market.checkout(a_buyer(), goods)
    await market.tell("inventory.reserved", group)
    for wrong in ({"amount": 2499}, {"currency": "USD"}):
        with pytest.raises(CapturedAmountDiffers):
            await market.tell("payment.captured", group, **wrong)
    assert (await market.group(group["id"]))["status"] == "AWAITING_PAYMENT"


async def test_an_event_of_an_unknown_group_is_passed_over(market: Market) -> None:
    unknown = {"id": key(), "total": {"amount": 1, "currency": "EUR"}}
    for name in (*STORY, "inventory.released", "payment.voided", "refund.succeeded", "payment.failed"):
        await market.tell(name, unknown)
    assert await parked(market, unknown) == 0


async def test_the_deadline_expires_unpaid_groups_and_only_those(market: Market, goods: Goods) -> None:
    # given a group in each state before the deadline
    reserving, awaiting, paid = [await market.checkout(a_buyer(), goods) for _ in range(3)]
    await market.tell("inventory.reserved", awaiting)
    await market.tell("inventory.reserved", paid)
    await market.tell("payment.captured", paid)
    await expire_overdue(market)
    assert (await market.group(reserving["id"]))["status"] == "RESERVING"
    # when the deadline passes and several workers look
    market.orders.clock.advance(DEADLINE)
    await asyncio.gather(*(expire_overdue(market) for _ in range(4)))
    # then the unpaid ones have expired once
    statuses = [(await market.group(g["id"]))["status"] for g in (reserving, awaiting, paid)]
    assert statuses == ["EXPIRED", "EXPIRED", "PAID"]
    assert await market.told(reserving["id"]) == [("order.created", 1), ("order.expired", 2)]
    assert (await market.told(awaiting["id"]))[-1] == ("order.expired", 3)
    order = await market.order(reserving["orders"][0]["id"])
    assert (order["status"], order["cancel_reason"]) == ("CANCELLED", "EXPIRED")
    # and what comes later finds them dead
    await market.tell("inventory.reserved", reserving)
    await market.tell("payment.captured", awaiting)
    assert (await market.group(reserving["id"]))["status"] == "EXPIRED"
    assert (await market.group(awaiting["id"]))["late_payment_id"] is not None


async def test_a_capture_that_was_parked_at_the_deadline_is_known_to_be_late(market: Market, goods: Goods) -> None:
    group = await market.checkout(a_buyer(), goods)
    await market.tell("payment.captured", group)
    await market.tell("inventory.committed", group)
    assert await parked(market, group) == 2
    market.orders.clock.advance(DEADLINE)
    await expire_overdue(market)
    found = await market.group(group["id"])
    assert (found["status"], found["payment_id"], found["late_payment_id"] is None) == ("EXPIRED", None, False)
    assert await parked(market, group) == 0


async def test_a_capture_that_commits_before_the_expiry_wins(market: Market, goods: Goods) -> None:
    # given a group past its deadline, and a capture that is being taken
    group = await market.checkout(a_buyer(), goods)
    await market.tell("inventory.reserved", group)
    market.orders.clock.advance(DEADLINE)
    async with market.orders.resources.database.unit_of_work(Scope.ALL) as uow:
        await capture_handler(market)(uow, received(market, group))
        # when the expiry looks while the capture holds the group
        await expire_overdue(market)
    await expire_overdue(market)
    # then it has passed it over, and finds it paid afterwards
    assert await market.history(group["id"]) == ["RESERVING", "AWAITING_PAYMENT", "PAID"]


async def test_an_expiry_that_commits_before_the_capture_wins(market: Market, goods: Goods) -> None:
    # given a group that is being expired
    group = await market.checkout(a_buyer(), goods)
    await market.tell("inventory.reserved", group)
    market.orders.clock.advance(DEADLINE)
    saga = market.orders.subgraph.context(STAFF).services.saga  # type: ignore[attr-defined]
    async with market.orders.resources.database.unit_of_work(Scope.ALL) as uow:
        assert await saga.expire(uow, group["id"])
        # when the capture comes before the expiry has committed
        capture = asyncio.create_task(market.tell("payment.captured", group))
        await market.until_waiting(1)
    await capture
    # then it has waited, and finds the group dead
    assert await market.history(group["id"]) == ["RESERVING", "AWAITING_PAYMENT", "EXPIRED"]
    assert (await market.group(group["id"]))["late_payment_id"] is not None


async def test_captures_cancellations_and_expiries_at_once_leave_one_outcome_each(market: Market, goods: Goods) -> None:
    # given twenty groups past their deadline
    buyers = [a_buyer() for _ in range(20)]
    groups = [await market.checkout(buyer, goods) for buyer in buyers]
    for group in groups:
        await market.tell("inventory.reserved", group)
    market.orders.clock.advance(DEADLINE)

    async def cancel(number: int) -> None:
        values = {"idempotencyKey": key(), "orderGroupId": groups[number]["id"]}
        await market.orders.data(CANCEL_GROUP, {"input": values}, actor=buyers[number])

    # when each is captured, committed and cancelled while two workers expire
    await asyncio.gather(
        *(market.tell("payment.captured", group) for group in groups),
        expire_overdue(market),
        *(cancel(number) for number in range(20)),
        *(market.tell("inventory.committed", group) for group in groups),
        expire_overdue(market),
    )
    # then each group has one end, told once, and money without a living group is noted
    for group in groups:
        found = await market.group(group["id"])
        names = [name for name, _ in await market.told(group["id"])]
        if found["status"] == "CONFIRMED":
            assert names == [name for name, _ in CONFIRMED]
        else:
            assert names == ["order.created", "order.awaiting_payment", f"order.{found['status'].lower()}"]
            assert found["late_payment_id"] is not None
        assert await parked(market, group) == 0


async def test_a_capture_and_a_cancellation_that_meet_at_the_group_leave_one_outcome(
    market: Market, goods: Goods
) -> None:
    for _ in range(5):
        # given a group that awaits its payment
        buyer = a_buyer()
        group = await market.checkout(buyer, goods)
        await market.tell("inventory.reserved", group)
        values = {"idempotencyKey": key(), "orderGroupId": group["id"]}
        # when both wait for it at once
        async with market.held("order_group", group["id"], waiting=2):
            cancellation = asyncio.create_task(market.orders.data(CANCEL_GROUP, {"input": values}, actor=buyer))
            capture = asyncio.create_task(market.tell("payment.captured", group))
        errors = (await cancellation)["cancelOrderGroup"]["userErrors"]
        await capture
        # then one of them has won
        found = await market.group(group["id"])
        if errors:
            assert (found["status"], found["late_payment_id"]) == ("PAID", None)
        else:
            assert (found["status"], found["payment_id"]) == ("CANCELLED", None)
            assert found["late_payment_id"] is not None


async def test_a_buyer_gives_up_before_the_payment_and_nobody_else_may(market: Market, goods: Goods) -> None:
    # given a group that awaits its payment
    buyer = a_buyer()
    group = await market.checkout(buyer, goods)
    await market.tell("inventory.reserved", group)
    values = {"idempotencyKey": key(), "orderGroupId": group["id"]}
    # when a stranger tries to cancel it
    stranger = await market.orders.data(CANCEL_GROUP, {"input": values}, actor=a_buyer())
    # then there is no such group for them
    assert stranger["cancelOrderGroup"]["userErrors"] == [{"code": "ORDER_GROUP_NOT_FOUND"}]
    assert (await market.group(group["id"]))["status"] == "AWAITING_PAYMENT"
    # and when its buyer does, twice with one key and once with another
    first = await market.orders.data(CANCEL_GROUP, {"input": values}, actor=buyer)
    again = await market.orders.data(CANCEL_GROUP, {"input": values}, actor=buyer)
    other = await market.orders.data(CANCEL_GROUP, {"input": values | {"idempotencyKey": key()}}, actor=buyer)
    # then it is cancelled once
    assert first["cancelOrderGroup"]["orderGroup"] == {
        "id": group["id"],
        "status": "CANCELLED",
        "cancelReason": "BUYER",
    }
    assert again == first
    assert other["cancelOrderGroup"]["userErrors"] == [{"code": "NOT_CANCELLABLE"}]
    assert (await market.told(group["id"]))[-1] == ("order.cancelled", 3)
    assert len(await market.told(group["id"])) == 3


async def test_a_paid_group_cannot_be_given_up_as_a_whole(market: Market, goods: Goods) -> None:
    buyer = a_buyer()
    group = await market.confirmed(buyer, goods)
    values = {"idempotencyKey": key(), "orderGroupId": group["id"]}
    answer = await market.orders.data(CANCEL_GROUP, {"input": values}, actor=buyer)
    assert answer["cancelOrderGroup"] == {"orderGroup": None, "userErrors": [{"code": "NOT_CANCELLABLE"}]}
    assert await market.told(group["id"]) == CONFIRMED


async def test_refunds_are_counted_once_each_by_group_order_and_line(market: Market, goods: Goods) -> None:
    # given a confirmed order of two pieces at 25.00
    group = await market.confirmed(a_buyer(), goods, quantity=2)
    order = group["orders"][0]
    refund = {"order_id": order["id"], "lines": [{"line_id": order["lines"][0]["id"], "amount": 700}], "amount": 700}
    one, other = {"refund_id": key()}, {"refund_id": key()}
    # when two refunds are told, the first of them in two events
    for which in (one, one, other):
        await market.tell("refund.succeeded", group, **(refund | which))
    # then group, order and line each show 14.00
    line_rows = await market.orders.rows("SELECT refunded FROM order_line WHERE order_id = :o", o=order["id"])
    refunded = (await market.group(group["id"]))["refunded"], (await market.order(order["id"]))["refunded"]
    assert (*refunded, line_rows) == (1400, 1400, [{"refunded": 1400}])


async def test_what_moves_nothing_is_noted(market: Market, goods: Goods) -> None:
    # given a cancelled group whose payment was captured late
    buyer = a_buyer()
    group = await market.checkout(buyer, goods)
    values = {"idempotencyKey": key(), "orderGroupId": group["id"]}
    await market.orders.data(CANCEL_GROUP, {"input": values}, actor=buyer)
    await market.tell("payment.captured", group)
    # when stock and money come back
    for _ in range(2):
        await market.tell("inventory.released", group)
        await market.tell("payment.voided", group)
    await market.tell("refund.succeeded", group)
    # then both are known, and the state is what it was
    found = await market.group(group["id"])
    assert None not in (found["stock_released_at"], found["payment_voided_at"], found["late_payment_id"])
    assert (found["refunded"], found["status"], found["version"]) == (2500, "CANCELLED", 2)


def capture_handler(market: Market) -> Any:
    command, _ = market.orders.subgraph.consumers
    return command.handlers["payment.captured"]


def received(market: Market, group: dict[str, Any]) -> ReceivedEvent:
    event_id = new_id()
    return ReceivedEvent(
        id=event_id,
        name="payment.captured",
        version="1.0",
        occurred_at=market.orders.clock(),
        payload=market.saga_payload("payment.captured", group),
        aggregate_id=new_id(),
        aggregate_version=3,
        correlation_id=key(),
        causation_id=None,
        idempotency_key=f"payment:{event_id}",
    )

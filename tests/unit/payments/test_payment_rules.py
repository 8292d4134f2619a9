"""The states of a payment, the ledger's bookings and the weeks of payouts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shared.ids import new_id
from subgraphs.payments.domain import ledger
from subgraphs.payments.domain.ledger import CLEARING, COMMISSION, REFUNDS, Booking, EntryKind, available, payable
from subgraphs.payments.domain.payable import GroupState, PayableGroup, PayableItem
from subgraphs.payments.domain.payment import Payment, PaymentStatus
from subgraphs.payments.domain.payout import period_of, require_begun
from subgraphs.payments.domain.refund import Refund, RefundReason, RefundStatus, take
from subgraphs.payments.errors import AlreadyPaid, NotPayable, PaymentInProgress, PeriodInFuture

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def a_payment(status: PaymentStatus) -> Payment:
    return Payment(
        id=new_id(),
        group_id=new_id(),
        buyer_id=new_id(),
        amount=10_000,
        currency="EUR",
        status=status,
        attempt=1,
        failure_reason=None,
        captured_at=None,
        version=0,
        created_at=NOW,
    )


def a_refund(amount: int) -> Refund:
    return Refund(
        id=new_id(),
        payment_id=new_id(),
        group_id=new_id(),
        order_id=new_id(),
        buyer_id=new_id(),
        seller_id=new_id(),
        actor_id=None,
        amount=amount,
        currency="EUR",
        reason=RefundReason.GOODWILL,
        cause="test",
        status=RefundStatus.PENDING,
        provider_reference=None,
        failure_reason=None,
        tries=0,
        due_at=NOW,
        version=0,
        created_at=NOW,
    )


def an_item(amount: int, commission: int, *, order_id: UUID | None = None) -> PayableItem:
    return PayableItem(new_id(), order_id or new_id(), new_id(), 0, amount, 1_000, commission)


def test_only_a_failed_payment_begins_another_attempt() -> None:
    failed = a_payment(PaymentStatus.FAILED)
    failed.begin_attempt()
    assert (failed.status, failed.attempt, failed.version) == (PaymentStatus.PENDING, 2, 0)
    for status, refusal in (
        (PaymentStatus.PENDING, PaymentInProgress),
        (PaymentStatus.AUTHORIZED, PaymentInProgress),
        (PaymentStatus.CAPTURED, AlreadyPaid),
        (PaymentStatus.VOIDED, NotPayable),
    ):
        with pytest.raises(refusal):
            a_payment(status).begin_attempt()


def test_money_that_came_is_captured_from_any_state_but_captured() -> None:
    for status in PaymentStatus:
        payment = a_payment(status)
        if status is PaymentStatus.CAPTURED:
            with pytest.raises(ValueError, match="cannot become CAPTURED"):
                payment.capture(NOW)
        else:
            payment.capture(NOW)
            assert (payment.status, payment.captured_at, payment.version) == (PaymentStatus.CAPTURED, NOW, 1)


def test_a_captured_payment_neither_fails_nor_is_voided() -> None:
    payment = a_payment(PaymentStatus.CAPTURED)
    with pytest.raises(ValueError, match="cannot become FAILED"):
        payment.fail("late")
    with pytest.raises(ValueError, match="cannot become VOIDED"):
        payment.void()
    assert (payment.status, payment.version) == (PaymentStatus.CAPTURED, 0)


@pytest.mark.parametrize(
    ("state", "expires_at", "payable_now"),
    [
        (GroupState.OPEN, NOW + timedelta(seconds=1), True),
        (GroupState.OPEN, NOW, False),
        (GroupState.CANCELLED, NOW + timedelta(seconds=1), False),
        (GroupState.EXPIRED, None, False),
    ],
)
def test_a_group_is_payable_while_it_is_open_and_in_time(
    state: GroupState, expires_at: datetime | None, *, payable_now: bool
) -> None:
    group = PayableGroup(new_id(), new_id(), "EUR", 100, expires_at, True, state, 1)
    if payable_now:
        group.require_payable(NOW)
    else:
        with pytest.raises(NotPayable):
            group.require_payable(NOW)


def test_a_booking_that_does_not_balance_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="does not balance"):
        Booking(EntryKind.CAPTURE, new_id(), "EUR", {CLEARING: 100, COMMISSION: -99})


def test_a_capture_owes_the_platform_its_commission_and_sellers_the_rest() -> None:
    items = [an_item(10_000, 1_000), an_item(499, 0)]
    booking = ledger.capture(new_id(), "EUR", items)
    assert booking.movements == {
        CLEARING: 10_499,
        COMMISSION: -1_000,
        payable(items[0].seller_id): -9_000,
        payable(items[1].seller_id): -499,
    }


def test_a_refund_takes_from_where_the_sellers_money_is() -> None:
    # given two orders, of which one is released
    held, released = an_item(1_000, 100), an_item(2_000, 200)
    lines = [take(new_id(), held, 500), take(new_id(), released, 1_000)]
    refund = a_refund(1_500)
    # when both are refunded by half
    owed = ledger.refund_owed(refund, lines, {released.order_id})
    # then the released one's part comes from the available balance, and a failure puts it back
    assert owed.movements == {
        REFUNDS: -1_500,
        COMMISSION: 150,
        payable(held.seller_id): 450,
        available(released.seller_id): 900,
    }
    back = ledger.refund_reversed(refund, lines, {released.order_id})
    assert back.movements == {account: -amount for account, amount in owed.movements.items()}


def test_weeks_are_iso_weeks_and_future_ones_are_refused() -> None:
    assert period_of(NOW) == "2026-W48"
    assert period_of(datetime(2027, 1, 1, tzinfo=UTC)) == "2026-W53"
    require_begun("2026-W48", NOW)
    require_begun("2025-W52", NOW)
    with pytest.raises(PeriodInFuture):
        require_begun("2026-W49", NOW)

"""What payments tells the others. Payloads carry ids and figures."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol
from uuid import UUID

from shared.clock import format_timestamp
from shared.messaging.contract import JSON, DomainEvent


class PaymentFacts(Protocol):
    """What an event tells of a payment."""

    id: UUID
    group_id: UUID
    amount: int
    currency: str
    attempt: int
    version: int


class RefundFacts(Protocol):
    """What an event tells of a refund."""

    id: UUID
    payment_id: UUID
    group_id: UUID
    order_id: UUID | None
    buyer_id: UUID
    actor_id: UUID | None
    amount: int
    currency: str
    version: int


class PayoutFacts(Protocol):
    """What an event tells of a payout."""

    id: UUID
    seller_id: UUID
    amount: int
    currency: str
    period: str
    version: int


def payment_authorized(payment: PaymentFacts) -> DomainEvent:
    return _payment("authorized", payment, amount=payment.amount, currency=payment.currency)


def payment_captured(payment: PaymentFacts, *, captured_at: datetime) -> DomainEvent:
    return _payment(
        "captured",
        payment,
        amount=payment.amount,
        currency=payment.currency,
        captured_at=format_timestamp(captured_at),
    )


def payment_failed(payment: PaymentFacts, *, reason: str) -> DomainEvent:
    return _payment("failed", payment, attempt=payment.attempt, reason=reason)


def payment_voided(payment: PaymentFacts) -> DomainEvent:
    return _payment("voided", payment)


def refund_succeeded(refund: RefundFacts, *, reason: str, lines: Iterable[tuple[UUID, int]]) -> DomainEvent:
    """`lines` are (line, amount); an order's shipping and tax go under the order's own id."""
    return _refund(
        "succeeded",
        refund,
        buyer_id=str(refund.buyer_id),
        actor_id=str(refund.actor_id) if refund.actor_id else None,
        reason=reason,
        lines=[{"line_id": str(line_id), "amount": amount} for line_id, amount in lines],
    )


def refund_failed(refund: RefundFacts, *, reason: str) -> DomainEvent:
    return _refund("failed", refund, reason=reason)


def payout_paid(payout: PayoutFacts) -> DomainEvent:
    return _payout("paid", payout)


def payout_failed(payout: PayoutFacts, *, reason: str) -> DomainEvent:
    return _payout("failed", payout, reason=reason)


def _payment(what: str, payment: PaymentFacts, **more: JSON) -> DomainEvent:
    payload: dict[str, JSON] = {
        "payment_id": str(payment.id),
        "order_group_id": str(payment.group_id),
        "version": payment.version,
        **more,
    }
    return DomainEvent(f"payment.{what}", "payment", payment.id, payment.version, payload)


def _refund(what: str, refund: RefundFacts, **more: JSON) -> DomainEvent:
    payload: dict[str, JSON] = {
        "refund_id": str(refund.id),
        "payment_id": str(refund.payment_id),
        "order_group_id": str(refund.group_id),
        "order_id": str(refund.order_id) if refund.order_id else None,
        "amount": refund.amount,
        "currency": refund.currency,
        **more,
    }
    return DomainEvent(f"refund.{what}", "refund", refund.id, refund.version, payload)


def _payout(what: str, payout: PayoutFacts, **more: JSON) -> DomainEvent:
    payload: dict[str, JSON] = {
        "payout_id": str(payout.id),
        "seller_id": str(payout.seller_id),
        "amount": payout.amount,
        "currency": payout.currency,
        "period": payout.period,
        **more,
    }
    return DomainEvent(f"payout.{what}", "payout", payout.id, payout.version, payload)

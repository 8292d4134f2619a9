"""Payouts: once a seller, week and currency, of whatever is available then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.money import Money
from subgraphs.payments.domain.ledger import EntryKind
from subgraphs.payments.errors import PeriodInFuture


class PayoutStatus(StrEnum):
    PENDING = "PENDING"
    PAID = "PAID"
    FAILED = "FAILED"


@dataclass(eq=False)
class Payout:
    """`period` is an ISO week such as 2026-W48; `amount` is the sum of its items and positive."""

    id: UUID
    run_id: UUID
    seller_id: UUID
    period: str
    amount: int
    currency: str
    status: PayoutStatus
    provider_reference: str | None
    failure_reason: str | None
    tries: int
    due_at: datetime
    version: int
    created_at: datetime

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    def pay(self, reference: str | None) -> None:
        self._settle(PayoutStatus.PAID, reference)

    def fail(self, reference: str | None, reason: str) -> None:
        self._settle(PayoutStatus.FAILED, reference)
        self.failure_reason = reason

    def _settle(self, status: PayoutStatus, reference: str | None) -> None:
        if self.status is not PayoutStatus.PENDING:
            raise ValueError(f"payout {self.id} is {self.status} and cannot become {status}")
        self.status = status
        self.provider_reference = reference or self.provider_reference
        self.version += 1


@dataclass(eq=False)
class PayoutItem:
    """One movement of the seller's available balance that a payout settles. A refund's amount is negative."""

    posting_id: UUID
    payout_id: UUID
    seller_id: UUID
    kind: EntryKind
    reference: UUID
    amount: int
    occurred_at: datetime


def period_of(moment: datetime) -> str:
    year, week, _ = moment.isocalendar()
    return f"{year}-W{week:02}"


def require_begun(period: str, now: datetime) -> None:
    """Raises PeriodInFuture. ISO weeks in this spelling sort as text."""
    if period > period_of(now):
        raise PeriodInFuture

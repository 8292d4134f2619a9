"""The payment of a group and its attempts: at most one is under way, at most one is ever captured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.money import Money
from subgraphs.payments.errors import AlreadyPaid, NotPayable, PaymentInProgress


class PaymentStatus(StrEnum):
    PENDING = "PENDING"
    AUTHORIZED = "AUTHORIZED"
    CAPTURED = "CAPTURED"
    FAILED = "FAILED"
    VOIDED = "VOIDED"


class AttemptStatus(StrEnum):
    PENDING = "PENDING"
    AUTHORIZED = "AUTHORIZED"
    CAPTURED = "CAPTURED"
    DECLINED = "DECLINED"
    VOIDED = "VOIDED"


OPEN_ATTEMPT = frozenset({AttemptStatus.PENDING, AttemptStatus.AUTHORIZED})


@dataclass(eq=False)
class Payment:
    """One a group. `version` counts its published changes, `attempt` its attempts."""

    id: UUID
    group_id: UUID
    buyer_id: UUID
    amount: int
    currency: str
    status: PaymentStatus
    attempt: int
    failure_reason: str | None
    captured_at: datetime | None
    version: int
    created_at: datetime

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def under_way(self) -> bool:
        return self.status in {PaymentStatus.PENDING, PaymentStatus.AUTHORIZED}

    def begin_attempt(self) -> None:
        """Another try after a decline. Raises AlreadyPaid, PaymentInProgress, NotPayable."""
        match self.status:
            case PaymentStatus.CAPTURED:
                raise AlreadyPaid
            case PaymentStatus.PENDING | PaymentStatus.AUTHORIZED:
                raise PaymentInProgress
            case PaymentStatus.VOIDED:
                raise NotPayable
            case PaymentStatus.FAILED:
                self.status = PaymentStatus.PENDING
                self.failure_reason = None
                self.attempt += 1

    def authorize(self) -> None:
        self._change(PaymentStatus.AUTHORIZED)

    def capture(self, now: datetime) -> None:
        """From any state but captured: money that came is money that came, also where the group is dead."""
        self._change(PaymentStatus.CAPTURED)
        self.captured_at = now
        self.failure_reason = None

    def fail(self, reason: str) -> None:
        self._change(PaymentStatus.FAILED)
        self.failure_reason = reason

    def void(self) -> None:
        self._change(PaymentStatus.VOIDED)

    def _change(self, status: PaymentStatus) -> None:
        if self.status is PaymentStatus.CAPTURED:
            raise ValueError(f"payment {self.id} is captured and cannot become {status}")
        self.status = status
        self.version += 1


@dataclass(eq=False)
class PaymentAttempt:
    """One call for money. `provider_key` makes it one charge at the provider, however often it is asked for."""

    id: UUID
    payment_id: UUID
    number: int
    provider_key: str
    method: str
    status: AttemptStatus
    provider_reference: str | None
    reason: str | None
    tries: int
    due_at: datetime
    created_at: datetime

    @property
    def open(self) -> bool:
        return self.status in OPEN_ATTEMPT


def provider_key(payment_id: UUID, attempt: int) -> str:
    return f"{payment_id}:{attempt}"

"""The checkout saga's durable row: how a group of orders moves, and what each event means in each state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum, auto
from uuid import UUID


class GroupStatus(StrEnum):
    RESERVING = "RESERVING"
    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    PAID = "PAID"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


class CancelReason(StrEnum):
    """EXPIRED is the reason of an order whose group expired; a group says so by its status."""

    OUT_OF_STOCK = "OUT_OF_STOCK"
    PAYMENT_FAILED = "PAYMENT_FAILED"
    BUYER = "BUYER"
    SELLER = "SELLER"
    EXPIRED = "EXPIRED"


class Signal(StrEnum):
    """The events of others that may move a group."""

    RESERVED = "inventory.reserved"
    RESERVATION_FAILED = "inventory.reservation_failed"
    CAPTURED = "payment.captured"
    PAYMENT_FAILED = "payment.failed"
    COMMITTED = "inventory.committed"


class Verdict(Enum):
    """What an event means: move now, count a declined payment, keep it until the state it needs, note money that
    came for a dead group, or nothing (a repetition, or too late to matter)."""

    ADVANCE = auto()
    COUNT = auto()
    PARK = auto()
    LATE_CAPTURE = auto()
    IGNORE = auto()


LEGAL: Mapping[GroupStatus, frozenset[GroupStatus]] = {
    GroupStatus.RESERVING: frozenset({GroupStatus.AWAITING_PAYMENT, GroupStatus.CANCELLED, GroupStatus.EXPIRED}),
    GroupStatus.AWAITING_PAYMENT: frozenset({GroupStatus.PAID, GroupStatus.CANCELLED, GroupStatus.EXPIRED}),
    GroupStatus.PAID: frozenset({GroupStatus.CONFIRMED}),
    GroupStatus.CONFIRMED: frozenset(),
    GroupStatus.CANCELLED: frozenset(),
    GroupStatus.EXPIRED: frozenset(),
}

UNPAID = frozenset({GroupStatus.RESERVING, GroupStatus.AWAITING_PAYMENT})
DEAD = frozenset({GroupStatus.CANCELLED, GroupStatus.EXPIRED})

TARGET: Mapping[Signal, GroupStatus] = {
    Signal.RESERVED: GroupStatus.AWAITING_PAYMENT,
    Signal.RESERVATION_FAILED: GroupStatus.CANCELLED,
    Signal.CAPTURED: GroupStatus.PAID,
    Signal.COMMITTED: GroupStatus.CONFIRMED,
}

_EARLY = {
    GroupStatus.RESERVING: frozenset({Signal.CAPTURED, Signal.PAYMENT_FAILED, Signal.COMMITTED}),
    GroupStatus.AWAITING_PAYMENT: frozenset({Signal.COMMITTED}),
}

_DUE = {
    GroupStatus.RESERVING: frozenset({Signal.RESERVED, Signal.RESERVATION_FAILED}),
    GroupStatus.AWAITING_PAYMENT: frozenset({Signal.CAPTURED}),
    GroupStatus.PAID: frozenset({Signal.COMMITTED}),
}

PARKED_ORDER = (Signal.CAPTURED, Signal.PAYMENT_FAILED, Signal.COMMITTED)
"""A parked capture is applied before parked declines: money that came outweighs attempts that failed."""


def judge(status: GroupStatus, signal: Signal) -> Verdict:
    """What `signal` means to a group in `status`. Total: every event is answered in every state."""
    if signal in _DUE.get(status, frozenset()):
        return Verdict.ADVANCE
    if signal in _EARLY.get(status, frozenset()):
        return Verdict.PARK
    if status is GroupStatus.AWAITING_PAYMENT and signal is Signal.PAYMENT_FAILED:
        return Verdict.COUNT
    if status in DEAD and signal is Signal.CAPTURED:
        return Verdict.LATE_CAPTURE
    return Verdict.IGNORE


class IllegalTransition(Exception):
    """A bug: the caller did not ask `judge` or the state's guards first."""


@dataclass(eq=False)
class OrderGroup:
    """One checkout. Amounts are cents of `currency`; `version` orders its events, one a transition.

    `expires_at` is the deadline of the payment; only orders decides that it has passed.
    """

    id: UUID
    cart_id: UUID
    buyer_id: UUID
    status: GroupStatus
    currency: str
    subtotal: int
    discount: int
    shipping: int
    tax: int
    total: int
    expires_at: datetime
    placed_at: datetime
    version: int = 1
    cancel_reason: CancelReason | None = None
    refunded: int = 0
    payment_attempts: int = 0
    payment_id: UUID | None = None
    reservation_id: UUID | None = None
    paid_at: datetime | None = None
    late_payment_id: UUID | None = None
    payment_voided_at: datetime | None = None
    stock_released_at: datetime | None = None
    traceparent: str | None = None
    """The trace of the checkout, if it is recorded."""

    def move(self, to: GroupStatus) -> GroupStatus:
        """Answers the state before. Raises IllegalTransition."""
        before = self.status
        if to not in LEGAL[before]:
            raise IllegalTransition(f"group {self.id}: {before} to {to}")
        self.status = to
        self.version += 1
        return before

    @property
    def can_be_cancelled(self) -> bool:
        """By its buyer, as a whole: only until it is paid."""
        return self.status in UNPAID

    def has_expired(self, now: datetime) -> bool:
        return self.status in UNPAID and self.expires_at <= now

"""The double-entry ledger: which accounts there are and what is booked when. Debits are positive, credits negative."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from subgraphs.payments.domain.payable import PayableItem
from subgraphs.payments.domain.refund import Refund, RefundLine


class AccountKind(StrEnum):
    PROVIDER_CLEARING = "PROVIDER_CLEARING"
    """Asset: what the provider holds for us."""
    BUYER_REFUNDS = "BUYER_REFUNDS"
    """Liability: refunds promised and not yet paid."""
    PLATFORM_COMMISSION = "PLATFORM_COMMISSION"
    """Revenue."""
    SELLER_PAYABLE = "SELLER_PAYABLE"
    """Liability, one a seller: earned, not delivered long enough."""
    SELLER_AVAILABLE = "SELLER_AVAILABLE"
    """Liability, one a seller: to be paid out next. A refund after the payout makes it negative."""
    PAYOUT_CLEARING = "PAYOUT_CLEARING"
    """Liability: payouts under way."""


class EntryKind(StrEnum):
    CAPTURE = "CAPTURE"
    REFUND_OWED = "REFUND_OWED"
    REFUND_PAID = "REFUND_PAID"
    REFUND_REVERSED = "REFUND_REVERSED"
    RELEASE = "RELEASE"
    PAYOUT = "PAYOUT"
    PAYOUT_PAID = "PAYOUT_PAID"
    PAYOUT_REVERSED = "PAYOUT_REVERSED"


@dataclass(frozen=True, slots=True)
class Account:
    """`seller_id` is set for the two kinds that every seller has."""

    kind: AccountKind
    seller_id: UUID | None = None


CLEARING = Account(AccountKind.PROVIDER_CLEARING)
REFUNDS = Account(AccountKind.BUYER_REFUNDS)
COMMISSION = Account(AccountKind.PLATFORM_COMMISSION)
PAYOUTS = Account(AccountKind.PAYOUT_CLEARING)


def payable(seller_id: UUID) -> Account:
    return Account(AccountKind.SELLER_PAYABLE, seller_id)


def available(seller_id: UUID) -> Account:
    return Account(AccountKind.SELLER_AVAILABLE, seller_id)


@dataclass(frozen=True, slots=True)
class Booking:
    """What is to be booked: once per kind and reference. Accounts with no movement are left out."""

    kind: EntryKind
    reference: UUID
    currency: str
    movements: Mapping[Account, int]

    def __post_init__(self) -> None:
        if sum(self.movements.values()):
            raise ValueError(f"{self.kind} of {self.reference} does not balance")


@dataclass(eq=False)
class JournalEntry:
    """A booking as the journal keeps it; its postings are read with it."""

    id: UUID
    kind: EntryKind
    reference: UUID
    currency: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Posting:
    account: Account
    amount: int


@dataclass(frozen=True, slots=True)
class Balance:
    """What a seller is owed, in cents: `pending` until the hold is over, `available` for the next payout."""

    currency: str
    pending: int = 0
    available: int = 0


def _booking(kind: EntryKind, reference: UUID, currency: str, movements: Iterable[tuple[Account, int]]) -> Booking:
    sums: dict[Account, int] = defaultdict(int)
    for account, amount in movements:
        sums[account] += amount
    return Booking(kind, reference, currency, {account: amount for account, amount in sums.items() if amount})


def capture(payment_id: UUID, currency: str, items: Sequence[PayableItem]) -> Booking:
    """The money is the provider's debt to us; it is owed to the platform and to the sellers."""
    movements = [(CLEARING, sum(item.amount for item in items))]
    for item in items:
        movements += [(COMMISSION, -item.commission), (payable(item.seller_id), item.commission - item.amount)]
    return _booking(EntryKind.CAPTURE, payment_id, currency, movements)


def refund_owed(refund: Refund, lines: Sequence[RefundLine], released: Set[UUID]) -> Booking:
    """Promised: taken from platform and sellers at once, so that no payout can still pay it to them.

    `released` are the orders whose money has moved to the seller's available balance.
    """
    movements = [(REFUNDS, -refund.amount), *_taken(lines, released)]
    return _booking(EntryKind.REFUND_OWED, refund.id, refund.currency, movements)


def refund_paid(refund: Refund) -> Booking:
    movements = [(REFUNDS, refund.amount), (CLEARING, -refund.amount)]
    return _booking(EntryKind.REFUND_PAID, refund.id, refund.currency, movements)


def refund_reversed(refund: Refund, lines: Sequence[RefundLine], released: Set[UUID]) -> Booking:
    """The provider refused: platform and sellers have it back, where their money is now."""
    movements = [(REFUNDS, refund.amount), *((account, -amount) for account, amount in _taken(lines, released))]
    return _booking(EntryKind.REFUND_REVERSED, refund.id, refund.currency, movements)


def _taken(lines: Sequence[RefundLine], released: Set[UUID]) -> list[tuple[Account, int]]:
    movements: list[tuple[Account, int]] = []
    for line in lines:
        seller = available(line.seller_id) if line.order_id in released else payable(line.seller_id)
        movements += [(COMMISSION, line.commission), (seller, line.amount - line.commission)]
    return movements


def release(order_id: UUID, seller_id: UUID, currency: str, items: Sequence[PayableItem]) -> Booking:
    """The hold is over: what is left of the order is the seller's to have."""
    amount = sum(item.seller_remaining for item in items)
    movements = [(payable(seller_id), amount), (available(seller_id), -amount)]
    return _booking(EntryKind.RELEASE, order_id, currency, movements)


def payout(payout_id: UUID, seller_id: UUID, currency: str, amount: int) -> Booking:
    movements = [(available(seller_id), amount), (PAYOUTS, -amount)]
    return _booking(EntryKind.PAYOUT, payout_id, currency, movements)


def payout_paid(payout_id: UUID, currency: str, amount: int) -> Booking:
    return _booking(EntryKind.PAYOUT_PAID, payout_id, currency, [(PAYOUTS, amount), (CLEARING, -amount)])


def payout_reversed(payout_id: UUID, seller_id: UUID, currency: str, amount: int) -> Booking:
    movements = [(PAYOUTS, amount), (available(seller_id), -amount)]
    return _booking(EntryKind.PAYOUT_REVERSED, payout_id, currency, movements)

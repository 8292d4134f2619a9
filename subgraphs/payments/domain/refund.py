"""Refunds: how much of which item goes back, and how much of that was the platform's commission."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.money import Money, allocate
from subgraphs.payments.domain.payable import PayableItem
from subgraphs.payments.errors import LineNotFound, RefundExceedsPayment


class RefundStatus(StrEnum):
    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class RefundReason(StrEnum):
    """A closed set: a free text could carry personal values into events and audit."""

    BUYER_REQUEST = "BUYER_REQUEST"
    DAMAGED = "DAMAGED"
    NOT_AS_DESCRIBED = "NOT_AS_DESCRIBED"
    NOT_RECEIVED = "NOT_RECEIVED"
    GOODWILL = "GOODWILL"
    ORDER_CANCELLED = "ORDER_CANCELLED"
    LATE_CAPTURE = "LATE_CAPTURE"


REQUESTABLE = frozenset(RefundReason) - {RefundReason.ORDER_CANCELLED, RefundReason.LATE_CAPTURE}


@dataclass(eq=False)
class Refund:
    """Money on its way back. `order_id` None: the whole group. `cause` is unique per payment: one cause, one refund."""

    id: UUID
    payment_id: UUID
    group_id: UUID
    order_id: UUID | None
    buyer_id: UUID
    seller_id: UUID | None
    actor_id: UUID | None
    amount: int
    currency: str
    reason: RefundReason
    cause: str
    status: RefundStatus
    provider_reference: str | None
    failure_reason: str | None
    tries: int
    due_at: datetime
    version: int
    created_at: datetime

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    def get_order_id(self) -> UUID:
        """Raises ValueError on a refund of the whole group."""
        if self.order_id is None:
            raise ValueError(f"refund {self.id} is of no single order")
        return self.order_id

    def succeed(self, reference: str | None) -> None:
        self._settle(RefundStatus.SUCCEEDED, reference)

    def fail(self, reference: str | None, reason: str) -> None:
        self._settle(RefundStatus.FAILED, reference)
        self.failure_reason = reason

    def _settle(self, status: RefundStatus, reference: str | None) -> None:
        if self.status is not RefundStatus.PENDING:
            raise ValueError(f"refund {self.id} is {self.status} and cannot become {status}")
        self.status = status
        self.provider_reference = reference or self.provider_reference
        self.version += 1


@dataclass(eq=False)
class RefundLine:
    """What a refund takes from one item; `commission` is the platform's part, the rest is the seller's."""

    refund_id: UUID
    item_id: UUID
    order_id: UUID
    seller_id: UUID
    amount: int
    commission: int


Part = tuple[PayableItem, int]
"""So many cents of that item."""


def parts_of_amount(amount: int | None, items: Sequence[PayableItem]) -> list[Part]:
    """A partial amount spread over what is left of the items; None takes all. Raises RefundExceedsPayment."""
    remaining = sum(item.remaining for item in items)
    wanted = remaining if amount is None else amount
    if not 0 < wanted <= remaining:
        raise RefundExceedsPayment(remaining, field=("orderId" if amount is None else "amount",))
    return [(item, share) for item, share in zip(items, spread(wanted, items), strict=True) if share]


def parts_of_lines(lines: Sequence[tuple[UUID, int | None]], items: Sequence[PayableItem]) -> list[Part]:
    """An amount of each of some lines; None takes what is left of it. Raises LineNotFound, RefundExceedsPayment."""
    by_id = {item.id: item for item in items}
    parts: list[Part] = []
    for index, (line_id, amount) in enumerate(lines):
        item = by_id.get(line_id)
        if item is None:
            raise LineNotFound(index)
        wanted = item.remaining if amount is None else amount
        if not 0 < wanted <= item.remaining:
            raise RefundExceedsPayment(item.remaining, field=("lines", str(index), "amount"))
        parts.append((item, wanted))
    return parts


def spread(amount: int, items: Sequence[PayableItem]) -> list[int]:
    """A partial amount over items, in proportion to what is left of each, by largest remainder.

    No share exceeds what is left: a share is rounded up only where the exact one lies below it.
    """
    return allocate(amount, [item.remaining for item in items])


def take(refund_id: UUID, item: PayableItem, amount: int) -> RefundLine:
    """Take `amount` out of an item. The commission goes back in the proportion in which it is left, by largest remainder:
    over all refunds of the item neither platform nor seller gives back more than they got, and in the end exactly that."""
    if not 0 < amount <= item.remaining:
        raise ValueError(f"{amount} of {item.remaining} cannot be refunded")
    commission, _ = allocate(amount, [item.commission_remaining, item.seller_remaining])
    item.refunded += amount
    item.commission_refunded += commission
    return RefundLine(refund_id, item.id, item.order_id, item.seller_id, amount, commission)


def give_back(line: RefundLine, item: PayableItem) -> None:
    """A refund failed: what it had taken is there again."""
    item.refunded -= line.amount
    item.commission_refunded -= line.commission

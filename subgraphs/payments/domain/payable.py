"""What may be paid: a checkout group, its orders, and the items that an order's money consists of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.money import allocate, share_of
from subgraphs.payments.errors import NotPayable


class GroupState(StrEnum):
    OPEN = "OPEN"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


@dataclass(eq=False)
class PayableGroup:
    """A checkout group as orders announced it. `announced` is False on a tombstone: its end came before its beginning."""

    id: UUID
    buyer_id: UUID
    currency: str
    total: int
    expires_at: datetime | None
    announced: bool
    state: GroupState
    version: int
    traceparent: str | None = None
    """The trace of its checkout, if it is recorded."""

    @property
    def closed(self) -> bool:
        return self.state is not GroupState.OPEN

    def require_payable(self, now: datetime) -> None:
        """Raises NotPayable for a dead group and past its deadline."""
        if self.closed or self.expires_at is None or now >= self.expires_at:
            raise NotPayable


@dataclass(eq=False)
class PayableOrder:
    """One seller's order. `released_at`: when its money became available to the seller."""

    id: UUID
    group_id: UUID
    buyer_id: UUID
    seller_id: UUID
    total: int
    delivered_at: datetime | None
    cancelled_at: datetime | None
    released_at: datetime | None


@dataclass(eq=False)
class PayableItem:
    """A line of an order, or (under the order's own id) its shipping and tax, on which no commission is taken.

    `refunded` and `commission_refunded` include refunds under way.
    """

    id: UUID
    order_id: UUID
    seller_id: UUID
    position: int
    amount: int
    commission_bps: int
    commission: int
    refunded: int = 0
    commission_refunded: int = 0

    @property
    def remaining(self) -> int:
        return self.amount - self.refunded

    @property
    def commission_remaining(self) -> int:
        return self.commission - self.commission_refunded

    @property
    def seller_remaining(self) -> int:
        return self.remaining - self.commission_remaining


@dataclass(frozen=True, slots=True)
class AnnouncedLine:
    line_id: UUID
    total: int
    commission_bps: int


def itemise(order_id: UUID, seller_id: UUID, total: int, lines: Sequence[AnnouncedLine]) -> list[PayableItem]:
    """An order's items, which sum to its total: its lines with their frozen commission, then shipping and tax.

    A discount of the whole order, which its lines do not show, is spread over them in proportion.
    """
    amounts = [line.total for line in lines]
    rest = total - sum(amounts)
    if rest < 0:
        amounts, rest = allocate(total, amounts), 0
    items = [
        PayableItem(
            id=line.line_id,
            order_id=order_id,
            seller_id=seller_id,
            position=position,
            amount=amount,
            commission_bps=line.commission_bps,
            commission=share_of(amount, line.commission_bps),
        )
        for position, (line, amount) in enumerate(zip(lines, amounts, strict=True))
    ]
    if rest:
        items.append(PayableItem(order_id, order_id, seller_id, len(items), rest, commission_bps=0, commission=0))
    return items

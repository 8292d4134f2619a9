"""One seller's part of a checkout: its lines as they were bought, its shipments, its way to the buyer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from subgraphs.orders.domain.group import CancelReason, IllegalTransition
from subgraphs.orders.errors import LineOfAnotherOrder, NotCancellable, NotDeliverable, NotShippable, OrderNotPaid


class OrderStatus(StrEnum):
    """SHIPPED is reached once every piece of every line has left."""

    PLACED = "PLACED"
    CONFIRMED = "CONFIRMED"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"


LEGAL: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    OrderStatus.PLACED: frozenset({OrderStatus.CONFIRMED, OrderStatus.CANCELLED}),
    OrderStatus.CONFIRMED: frozenset({OrderStatus.SHIPPED, OrderStatus.CANCELLED}),
    OrderStatus.SHIPPED: frozenset({OrderStatus.DELIVERED}),
    OrderStatus.DELIVERED: frozenset(),
    OrderStatus.CANCELLED: frozenset(),
}


@dataclass(eq=False)
class OrderLine:
    """Frozen at checkout but for what is shipped and refunded of it."""

    id: UUID
    order_id: UUID
    buyer_id: UUID
    seller_id: UUID
    position: int
    product_id: UUID
    variant_id: UUID
    sku: str
    title: str
    variant_title: str
    quantity: int
    unit_price: int
    discount: int
    total: int
    commission_bps: int
    refunded: int = 0
    shipped: int = 0


@dataclass(eq=False)
class Order:
    """`paid_at` is copied from the group, so that a seller's step needs no look at it (a group spans sellers).

    `version` orders the events of which this order is the aggregate: shipped, delivered, cancelled after payment.
    """

    id: UUID
    group_id: UUID
    buyer_id: UUID
    seller_id: UUID
    status: OrderStatus
    currency: str
    subtotal: int
    discount: int
    shipping: int
    tax: int
    total: int
    placed_at: datetime
    version: int = 1
    cancel_reason: CancelReason | None = None
    refunded: int = 0
    paid_at: datetime | None = None
    delivered_at: datetime | None = None
    restocked_at: datetime | None = None

    def move(self, to: OrderStatus) -> OrderStatus:
        """Answers the state before. Raises IllegalTransition."""
        before = self.status
        if to not in LEGAL[before]:
            raise IllegalTransition(f"order {self.id}: {before} to {to}")
        self.status = to
        return before

    def cancel(self, reason: CancelReason) -> OrderStatus:
        before = self.move(OrderStatus.CANCELLED)
        self.cancel_reason = reason
        return before

    def require_cancellable(self, lines: Sequence[OrderLine]) -> None:
        """After the payment, before anything has left. Raises OrderNotPaid, NotCancellable."""
        if self.status not in (OrderStatus.PLACED, OrderStatus.CONFIRMED):
            raise NotCancellable(self.status)
        if self.paid_at is None:
            raise OrderNotPaid
        if any(line.shipped for line in lines):
            raise NotCancellable("partly shipped")

    def deliver(self, now: datetime) -> OrderStatus:
        """Raises NotDeliverable."""
        if self.status is not OrderStatus.SHIPPED:
            raise NotDeliverable(self.status)
        self.delivered_at = now
        self.version += 1
        return self.move(OrderStatus.DELIVERED)


@dataclass(frozen=True, slots=True)
class ShippedLine:
    shipment_id: UUID
    line_id: UUID
    quantity: int


@dataclass(eq=False)
class Shipment:
    """One parcel. What it holds are its `ShippedLine`s."""

    id: UUID
    order_id: UUID
    buyer_id: UUID
    seller_id: UUID
    carrier: str
    tracking_code: str
    shipped_at: datetime


def ship(order: Order, lines: Sequence[OrderLine], wanted: Sequence[tuple[UUID, int]]) -> dict[UUID, int]:
    """Take `wanted` (line, quantity; none: the rest of all) off the lines and answer what leaves.

    Raises NotShippable where the order is not confirmed or more is asked for than is left, LineOfAnotherOrder.
    """
    if order.status is not OrderStatus.CONFIRMED:
        raise NotShippable(f"The order is {order.status}; only a confirmed one can be shipped.")
    of = {line.id: line for line in lines}
    parcel = dict(wanted) or {line.id: line.quantity - line.shipped for line in lines if line.shipped < line.quantity}
    if len(parcel) < len(wanted) or not parcel.keys() <= of.keys():
        raise LineOfAnotherOrder
    for line_id, quantity in parcel.items():
        line = of[line_id]
        left = line.quantity - line.shipped
        if quantity > left:
            raise NotShippable(f"Only {left} of {line.sku} are left to ship.")
        line.shipped += quantity
    order.version += 1
    return parcel


def all_shipped(lines: Sequence[OrderLine]) -> bool:
    return all(line.shipped == line.quantity for line in lines)

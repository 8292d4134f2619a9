"""An event of others as the saga sees it, and what follows from it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from subgraphs.orders.domain.group import CancelReason, GroupStatus, OrderGroup, Signal
from subgraphs.orders.domain.order import Order, OrderStatus


@dataclass(frozen=True, slots=True)
class SagaEvent:
    """`name` is one of Signal's values. Parked and taken back it is the same."""

    id: UUID
    group_id: UUID
    name: str
    occurred_at: datetime
    payload: Mapping[str, Any]

    @property
    def signal(self) -> Signal:
        return Signal(self.name)


class CapturedAmountDiffers(Exception):
    """Another sum was captured than the group costs: a bug or a fraud, for a person to look at."""


def advance(group: OrderGroup, to: GroupStatus, event: SagaEvent) -> GroupStatus:
    """Move the group and take over what the event tells; answers the state before. Raises CapturedAmountDiffers."""
    payload = event.payload
    match event.signal:
        case Signal.RESERVED:
            group.reservation_id = UUID(payload["reservation_id"])
        case Signal.RESERVATION_FAILED:
            group.cancel_reason = CancelReason.OUT_OF_STOCK
        case Signal.CAPTURED:
            _require_full_amount(group, payload)
            group.payment_id = UUID(payload["payment_id"])
            group.paid_at = datetime.fromisoformat(payload["captured_at"])
        case Signal.PAYMENT_FAILED:
            group.cancel_reason = CancelReason.PAYMENT_FAILED
        case Signal.COMMITTED:
            pass
    return group.move(to)


def follow(order: Order, group: OrderGroup) -> OrderStatus | None:
    """Bring an order after its group's step; answers its state before, or None where it stays as it is."""
    match group.status:
        case GroupStatus.PAID:
            order.paid_at = group.paid_at
        case GroupStatus.CONFIRMED if order.status is OrderStatus.PLACED:
            return order.move(OrderStatus.CONFIRMED)
        case GroupStatus.CANCELLED if group.cancel_reason:
            return order.cancel(group.cancel_reason)
        case GroupStatus.EXPIRED:
            return order.cancel(CancelReason.EXPIRED)
    return None


def _require_full_amount(group: OrderGroup, payload: Mapping[str, Any]) -> None:
    if (payload["amount"], payload["currency"]) != (group.total, group.currency):
        raise CapturedAmountDiffers(f"group {group.id}: {payload['amount']} {payload['currency']}")

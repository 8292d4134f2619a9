"""Local copies of foreign facts: what may be paid, what was delivered, who may be paid out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.db.database import UnitOfWork
from shared.messaging.contract import ReceivedEvent
from subgraphs.payments.domain.payable import (
    AnnouncedLine,
    GroupState,
    PayableGroup,
    PayableItem,
    PayableOrder,
    itemise,
)
from subgraphs.payments.repository import payables


class DishonestTotal(Exception):
    """A group whose orders do not sum to its total: it must not be paid, so its event goes to the dead letters."""


async def on_order_awaiting_payment(uow: UnitOfWork, event: ReceivedEvent) -> None:
    announced = event.payload
    group = PayableGroup(
        id=UUID(announced["order_group_id"]),
        buyer_id=UUID(announced["buyer_id"]),
        currency=announced["currency"],
        total=announced["total"],
        expires_at=datetime.fromisoformat(announced["expires_at"]),
        announced=True,
        state=GroupState.OPEN,
        version=event.aggregate_version,
    )
    orders = [order_of(announced, order) for order in announced["orders"]]
    if sum(order.total for order in orders) != group.total:
        raise DishonestTotal(f"the orders of group {group.id} do not sum to its total")
    items = [item for order in announced["orders"] for item in _items_of(order)]
    await payables.announce_group(uow.session, group, orders, items)


async def on_order_delivered(uow: UnitOfWork, event: ReceivedEvent) -> None:
    """The hold begins at the delivery; the order may not be known yet."""
    delivered_at = datetime.fromisoformat(event.payload["delivered_at"])
    await payables.mark_order(uow.session, order_of(event.payload, event.payload), delivered_at=delivered_at)


async def on_seller_approved(uow: UnitOfWork, event: ReceivedEvent) -> None:
    seller = event.payload
    await payables.approve_seller(uow.session, UUID(seller["seller_id"]), seller["version"], event.occurred_at)


def order_of(group: Mapping[str, Any], order: Mapping[str, Any]) -> PayableOrder:
    return PayableOrder(
        id=UUID(order["order_id"]),
        group_id=UUID(group["order_group_id"]),
        buyer_id=UUID(group["buyer_id"]),
        seller_id=UUID(order["seller_id"]),
        total=order.get("total", 0),
        delivered_at=None,
        cancelled_at=None,
        released_at=None,
    )


def _items_of(order: Mapping[str, Any]) -> list[PayableItem]:
    lines = [AnnouncedLine(UUID(line["line_id"]), line["total"], line["commission_bps"]) for line in order["lines"]]
    return itemise(UUID(order["order_id"]), UUID(order["seller_id"]), order["total"], lines)

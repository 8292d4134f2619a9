"""What those who watch orders live are told after a commit: ids, by which they read again."""

from __future__ import annotations

from collections.abc import Iterable

from shared.db.database import UnitOfWork
from shared.messaging.notes import LiveNotes, Note
from subgraphs.orders.domain.order import Order

ORDER_UPDATED = "order_updated"
"""Watched by buyer."""

ORDER_RECEIVED = "order_received"
"""Watched by seller."""


class OrderWatch:
    def __init__(self, notes: LiveNotes) -> None:
        self._notes = notes

    def updated(self, uow: UnitOfWork, orders: Iterable[Order]) -> None:
        """These orders, or the checkout that they came from, have moved."""
        self._notes.tell(uow, [Note(ORDER_UPDATED, order.buyer_id, order.id) for order in orders])

    def received(self, uow: UnitOfWork, orders: Iterable[Order]) -> None:
        """These orders are paid and have their stock: their sellers may pack."""
        self._notes.tell(uow, [Note(ORDER_RECEIVED, order.seller_id, order.id) for order in orders])

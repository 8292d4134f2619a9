"""Local copies of foreign facts: who received what."""

from __future__ import annotations

from uuid import UUID

from shared.db.database import UnitOfWork
from shared.messaging.contract import ReceivedEvent
from subgraphs.reviews import repository
from subgraphs.reviews.domain import DeliveredLine


async def on_order_delivered(uow: UnitOfWork, event: ReceivedEvent) -> None:
    """Every line of a delivered order may now be reviewed by its buyer."""
    order = event.payload
    lines = [
        DeliveredLine(
            line_id=UUID(line["line_id"]),
            buyer_id=UUID(order["buyer_id"]),
            product_id=UUID(line["product_id"]),
            seller_id=UUID(order["seller_id"]),
            delivered_at=event.occurred_at,
        )
        for line in order["lines"]
    ]
    await repository.add_delivered_lines(uow.session, lines)

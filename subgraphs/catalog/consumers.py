"""What catalog listens to."""

from __future__ import annotations

from shared.messaging.consumer import QueueConsumer
from subgraphs.catalog.projections import Projections


def consumers(projections: Projections) -> tuple[QueueConsumer, ...]:
    return (
        QueueConsumer(
            "catalog.projector",
            {
                "seller.approved": projections.on_seller_may_sell,
                "seller.reinstated": projections.on_seller_may_sell,
                "seller.suspended": projections.on_seller_suspended,
                "inventory.stock_changed": projections.on_stock_changed,
                "review.published": projections.on_review_published,
            },
        ),
    )

"""What reviews listens to."""

from __future__ import annotations

from shared.messaging.consumer import QueueConsumer
from subgraphs.reviews import projections


def consumers() -> tuple[QueueConsumer, ...]:
    return (QueueConsumer("reviews.projector", {"order.delivered": projections.on_order_delivered}),)

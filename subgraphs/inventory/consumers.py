"""What inventory listens to."""

from __future__ import annotations

from shared.messaging.consumer import QueueConsumer
from subgraphs.inventory import projections
from subgraphs.inventory.service.reservations import ReservationService


def consumers(reservations: ReservationService) -> tuple[QueueConsumer, ...]:
    return (
        QueueConsumer(
            "inventory.reserver",
            {
                "order.created": reservations.on_order_created,
                "order.paid": reservations.on_order_paid,
                "order.cancelled": reservations.on_order_cancelled,
                "order.expired": reservations.on_order_expired,
            },
        ),
        QueueConsumer("inventory.projector", {"variant.created": projections.on_variant_created}),
    )

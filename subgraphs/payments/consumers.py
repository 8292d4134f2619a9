"""What payments listens to."""

from __future__ import annotations

from uuid import UUID

from shared.db.database import UnitOfWork
from shared.messaging.consumer import QueueConsumer
from shared.messaging.contract import ReceivedEvent
from subgraphs.payments import projections
from subgraphs.payments.domain.payable import GroupState
from subgraphs.payments.service.payments import PaymentsService


def consumers(service: PaymentsService) -> tuple[QueueConsumer, ...]:
    async def on_order_cancelled(uow: UnitOfWork, event: ReceivedEvent) -> None:
        """A whole group (order_id null) or one seller's order."""
        if event.payload["order_id"] is None:
            await close(uow, event, GroupState.CANCELLED)
        else:
            order = projections.order_of(event.payload, event.payload)
            await service.cancel_order(uow, order, event.occurred_at)

    async def on_order_expired(uow: UnitOfWork, event: ReceivedEvent) -> None:
        await close(uow, event, GroupState.EXPIRED)

    async def close(uow: UnitOfWork, event: ReceivedEvent, state: GroupState) -> None:
        group_id, buyer_id = UUID(event.payload["order_group_id"]), UUID(event.payload["buyer_id"])
        await service.close_group(uow, group_id, buyer_id, state, version=event.aggregate_version)

    return (
        QueueConsumer(
            "payments.processor",
            {
                "order.awaiting_payment": projections.on_order_awaiting_payment,
                "order.cancelled": on_order_cancelled,
                "order.expired": on_order_expired,
                "order.delivered": projections.on_order_delivered,
                "seller.approved": projections.on_seller_approved,
            },
        ),
    )

"""What orders listens to: the saga's steps on one queue, foreign facts on another, so that neither waits for the other."""

from __future__ import annotations

from shared.messaging.consumer import QueueConsumer
from subgraphs.orders import projections
from subgraphs.orders.domain.group import Signal
from subgraphs.orders.service.saga import CheckoutSaga, SagaNotes


def consumers(saga: CheckoutSaga, notes: SagaNotes) -> tuple[QueueConsumer, ...]:
    command = {
        **{signal.value: saga.receive for signal in Signal},
        "inventory.released": notes.on_stock_released,
        "payment.voided": notes.on_payment_voided,
        "refund.succeeded": notes.on_refund_succeeded,
    }
    projector = {
        "product.published": projections.on_product_published,
        "product.updated": projections.on_product_updated,
        "product.archived": projections.on_product_archived,
        "variant.created": projections.on_variant_created,
        "variant.price_changed": projections.on_variant_price_changed,
        "commission_rule.changed": projections.on_commission_rule_changed,
        "seller.approved": projections.on_seller_approved,
        "seller.suspended": projections.on_seller_suspended,
        "seller.reinstated": projections.on_seller_reinstated,
    }
    return (QueueConsumer("orders.command", command), QueueConsumer("orders.projector", projector))

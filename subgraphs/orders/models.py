"""The tables of orders and how its classes map onto them. Keys and checks live in the migration."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Identity, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry

from shared.db.types import MOMENT, UUID_TYPE, text_enum, trace_context
from subgraphs.orders.domain.cart import Cart, CartLine, CartStatus
from subgraphs.orders.domain.facts import ProductStatus, SellerStatus
from subgraphs.orders.domain.group import CancelReason, GroupStatus, OrderGroup
from subgraphs.orders.domain.order import Order, OrderLine, OrderStatus, Shipment

metadata = MetaData()

product_fact = Table(
    "product_fact",
    metadata,
    Column("product_id", UUID_TYPE, primary_key=True),
    Column("seller_id", UUID_TYPE),
    Column("title", Text),
    Column("title_version", BigInteger),
    Column("status", text_enum(ProductStatus)),
    Column("status_version", BigInteger),
)

variant_fact = Table(
    "variant_fact",
    metadata,
    Column("variant_id", UUID_TYPE, primary_key=True),
    Column("product_id", UUID_TYPE),
    Column("seller_id", UUID_TYPE),
    Column("sku", Text),
    Column("title", Text),
    Column("price", BigInteger),
    Column("currency", Text),
    Column("price_version", BigInteger),
)

seller_fact = Table(
    "seller_fact",
    metadata,
    Column("seller_id", UUID_TYPE, primary_key=True),
    Column("status", text_enum(SellerStatus)),
    Column("version", BigInteger),
    Column("commission_bps", Integer),
    Column("commission_version", BigInteger),
)

commission_rule_fact = Table(
    "commission_rule_fact",
    metadata,
    Column("applies_to", UUID_TYPE, primary_key=True),
    Column("rate_bps", Integer),
    Column("version", BigInteger),
)

cart = Table(
    "cart",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("user_id", UUID_TYPE),
    Column("token_hash", Text),
    Column("status", text_enum(CartStatus)),
    Column("currency", Text),
    Column("version", BigInteger),
    Column("created_at", MOMENT),
    Column("updated_at", MOMENT),
)

cart_line = Table(
    "cart_line",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("cart_id", UUID_TYPE),
    Column("variant_id", UUID_TYPE),
    Column("quantity", Integer),
    Column("seen_price", BigInteger),
    Column("added_at", MOMENT),
)


def _amounts() -> list[Column[int]]:
    return [Column(name, BigInteger) for name in ("subtotal", "discount", "shipping", "tax", "total", "refunded")]


order_group = Table(
    "order_group",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("cart_id", UUID_TYPE),
    Column("buyer_id", UUID_TYPE),
    Column("status", text_enum(GroupStatus)),
    Column("cancel_reason", text_enum(CancelReason)),
    Column("currency", Text),
    *_amounts(),
    Column("payment_attempts", Integer),
    Column("payment_id", UUID_TYPE),
    Column("reservation_id", UUID_TYPE),
    Column("expires_at", MOMENT),
    Column("placed_at", MOMENT),
    Column("paid_at", MOMENT),
    Column("late_payment_id", UUID_TYPE),
    Column("payment_voided_at", MOMENT),
    Column("stock_released_at", MOMENT),
    Column("version", BigInteger),
    trace_context(),
)

customer_order = Table(
    "customer_order",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("group_id", UUID_TYPE),
    Column("buyer_id", UUID_TYPE),
    Column("seller_id", UUID_TYPE),
    Column("status", text_enum(OrderStatus)),
    Column("cancel_reason", text_enum(CancelReason)),
    Column("currency", Text),
    *_amounts(),
    Column("placed_at", MOMENT),
    Column("paid_at", MOMENT),
    Column("delivered_at", MOMENT),
    Column("restocked_at", MOMENT),
    Column("version", BigInteger),
)

order_line = Table(
    "order_line",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("order_id", UUID_TYPE),
    Column("buyer_id", UUID_TYPE),
    Column("seller_id", UUID_TYPE),
    Column("position", Integer),
    Column("product_id", UUID_TYPE),
    Column("variant_id", UUID_TYPE),
    Column("sku", Text),
    Column("title", Text),
    Column("variant_title", Text),
    Column("quantity", Integer),
    Column("unit_price", BigInteger),
    Column("discount", BigInteger),
    Column("total", BigInteger),
    Column("refunded", BigInteger),
    Column("commission_bps", Integer),
    Column("shipped", Integer),
)

shipment = Table(
    "shipment",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("order_id", UUID_TYPE),
    Column("buyer_id", UUID_TYPE),
    Column("seller_id", UUID_TYPE),
    Column("carrier", Text),
    Column("tracking_code", Text),
    Column("shipped_at", MOMENT),
)

shipment_line = Table(
    "shipment_line",
    metadata,
    Column("shipment_id", UUID_TYPE, primary_key=True),
    Column("line_id", UUID_TYPE, primary_key=True),
    Column("quantity", Integer),
)

refund_fact = Table(
    "refund_fact",
    metadata,
    Column("refund_id", UUID_TYPE, primary_key=True),
    Column("group_id", UUID_TYPE),
    Column("order_id", UUID_TYPE),
    Column("amount", BigInteger),
    Column("refunded_at", MOMENT),
)

parked_event = Table(
    "parked_event",
    metadata,
    Column("event_id", UUID_TYPE, primary_key=True),
    Column("group_id", UUID_TYPE),
    Column("event_name", Text),
    Column("occurred_at", MOMENT),
    Column("payload", JSONB),
)

state_transition = Table(
    "state_transition",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("position", BigInteger, Identity(always=True)),
    Column("group_id", UUID_TYPE),
    Column("order_id", UUID_TYPE),
    Column("buyer_id", UUID_TYPE),
    Column("seller_id", UUID_TYPE),
    Column("from_status", Text),
    Column("to_status", Text),
    Column("cause", Text),
    Column("actor_id", UUID_TYPE),
    Column("event_id", UUID_TYPE),
    Column("at", MOMENT),
)

_mapper = registry(metadata=metadata)
_mapper.map_imperatively(Cart, cart)
_mapper.map_imperatively(CartLine, cart_line)
_mapper.map_imperatively(OrderGroup, order_group)
_mapper.map_imperatively(Order, customer_order)
_mapper.map_imperatively(OrderLine, order_line)
_mapper.map_imperatively(Shipment, shipment)

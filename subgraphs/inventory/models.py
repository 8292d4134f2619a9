"""The tables of inventory and how its classes map onto them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, MetaData, Table, Text
from sqlalchemy.orm import registry

from shared.db.types import MOMENT, UUID_TYPE, text_enum
from subgraphs.inventory import domain

metadata = MetaData()

variant_owner = Table(
    "variant_owner",
    metadata,
    Column("variant_id", UUID_TYPE, primary_key=True),
    Column("product_id", UUID_TYPE),
    Column("seller_id", UUID_TYPE),
    Column("version", BigInteger),
)

variant_stock = Table(
    "variant_stock",
    metadata,
    Column("variant_id", UUID_TYPE, primary_key=True),
    Column("product_id", UUID_TYPE),
    Column("seller_id", UUID_TYPE),
    Column("available", BigInteger),
    Column("low_threshold", BigInteger),
    Column("version", BigInteger),
)

stock_location = Table(
    "stock_location",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("seller_id", UUID_TYPE),
    Column("name", Text),
    Column("version", BigInteger),
    Column("created_at", MOMENT),
)

stock_item = Table(
    "stock_item",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("location_id", UUID_TYPE, ForeignKey("stock_location.id")),
    Column("variant_id", UUID_TYPE, ForeignKey("variant_stock.variant_id")),
    Column("seller_id", UUID_TYPE),
    Column("on_hand", BigInteger),
    Column("reserved", BigInteger),
    Column("created_at", MOMENT),
)

reservation = Table(
    "reservation",
    metadata,
    Column("order_group_id", UUID_TYPE, primary_key=True),
    Column("id", UUID_TYPE),
    Column("status", text_enum(domain.ReservationStatus)),
    Column("expires_at", MOMENT),
    Column("version", BigInteger),
    Column("created_at", MOMENT),
)

reservation_line = Table(
    "reservation_line",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("order_group_id", UUID_TYPE),
    Column("line_id", UUID_TYPE),
    Column("variant_id", UUID_TYPE),
    Column("stock_item_id", UUID_TYPE, ForeignKey("stock_item.id")),
    Column("quantity", BigInteger),
    Column("status", text_enum(domain.LineStatus)),
)

cancelled_line = Table(
    "cancelled_line",
    metadata,
    Column("line_id", UUID_TYPE, primary_key=True),
    Column("order_group_id", UUID_TYPE),
)

stock_movement = Table(
    "stock_movement",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("stock_item_id", UUID_TYPE, ForeignKey("stock_item.id")),
    Column("variant_id", UUID_TYPE),
    Column("seller_id", UUID_TYPE),
    Column("kind", text_enum(domain.MovementKind)),
    Column("quantity", BigInteger),
    Column("on_hand_after", BigInteger),
    Column("reserved_after", BigInteger),
    Column("order_group_id", UUID_TYPE),
    Column("actor_id", UUID_TYPE),
    Column("reason", Text),
    Column("created_at", MOMENT),
)

_mapper = registry(metadata=metadata)
_mapper.map_imperatively(domain.VariantStock, variant_stock)
_mapper.map_imperatively(domain.StockLocation, stock_location)
_mapper.map_imperatively(domain.StockItem, stock_item)
_mapper.map_imperatively(domain.Reservation, reservation)
_mapper.map_imperatively(domain.ReservationLine, reservation_line)
_mapper.map_imperatively(domain.StockMovement, stock_movement)

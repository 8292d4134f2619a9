"""The tables of catalog and how its classes map onto them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Dialect, Integer, MetaData, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import query_expression, registry
from sqlalchemy.types import TypeDecorator

from shared.db.types import MOMENT, UUID_TYPE, text_enum
from subgraphs.catalog.domain.attributes import Attribute, AttributeDefinition, AttributeType, Medium
from subgraphs.catalog.domain.category import Category
from subgraphs.catalog.domain.product import Product, ProductStatus, Variant


class _Attributes(TypeDecorator[tuple[Attribute, ...]]):
    impl = JSONB
    cache_ok = True

    def process_bind_param(self, value: tuple[Attribute, ...] | None, dialect: Dialect) -> Any:  # noqa: ARG002 — SQLAlchemy's hook.
        return [{"name": a.name, "type": a.type.value, "value": a.value} for a in value or ()]

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[Attribute, ...]:  # noqa: ARG002 — as above.
        return tuple(Attribute(a["name"], AttributeType(a["type"]), a["value"]) for a in value)


class _Definitions(TypeDecorator[tuple[AttributeDefinition, ...]]):
    impl = JSONB
    cache_ok = True

    def process_bind_param(self, value: tuple[AttributeDefinition, ...] | None, dialect: Dialect) -> Any:  # noqa: ARG002 — as above.
        return [{"name": d.name, "type": d.type.value, "required": d.required} for d in value or ()]

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[AttributeDefinition, ...]:  # noqa: ARG002 — as above.
        return tuple(AttributeDefinition(d["name"], AttributeType(d["type"]), d["required"]) for d in value)


class _Media(TypeDecorator[tuple[Medium, ...]]):
    impl = JSONB
    cache_ok = True

    def process_bind_param(self, value: tuple[Medium, ...] | None, dialect: Dialect) -> Any:  # noqa: ARG002 — as above.
        return [{"url": m.url, "alt": m.alt} for m in value or ()]

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[Medium, ...]:  # noqa: ARG002 — as above.
        return tuple(Medium(m["url"], m["alt"]) for m in value)


metadata = MetaData()

category = Table(
    "category",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("parent_id", UUID_TYPE),
    Column("name", Text),
    Column("slug", Text),
    Column("path", Text),
    Column("depth", SmallInteger),
    Column("attributes", _Definitions),
    Column("created_at", MOMENT),
)

product = Table(
    "product",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("seller_id", UUID_TYPE),
    Column("category_id", UUID_TYPE),
    Column("title", Text),
    Column("description", Text),
    Column("status", text_enum(ProductStatus)),
    Column("rejection_reason", Text),
    Column("attributes", _Attributes),
    Column("media", _Media),
    Column("currency", Text),
    Column("price_min", BigInteger),
    Column("price_max", BigInteger),
    Column("in_stock", Boolean),
    Column("rating", Integer),
    Column("seller_active", Boolean),
    Column("version", BigInteger),
    Column("created_at", MOMENT),
    Column("published_at", MOMENT),
)

variant = Table(
    "variant",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("product_id", UUID_TYPE),
    Column("seller_id", UUID_TYPE),
    Column("sku", Text),
    Column("title", Text),
    Column("price", BigInteger),
    Column("currency", Text),
    Column("position", SmallInteger),
    Column("version", BigInteger),
    Column("created_at", MOMENT),
)

product_search = Table(
    "product_search",
    metadata,
    Column("product_id", UUID_TYPE, primary_key=True),
    Column("title", Text),
    Column("document", TSVECTOR),
)

seller_fact = Table(
    "seller_fact",
    metadata,
    Column("seller_id", UUID_TYPE, primary_key=True),
    Column("active", Boolean),
    Column("version", BigInteger),
)

stock_fact = Table(
    "stock_fact",
    metadata,
    Column("variant_id", UUID_TYPE, primary_key=True),
    Column("product_id", UUID_TYPE),
    Column("available", BigInteger),
    Column("version", BigInteger),
)

rating_fact = Table(
    "rating_fact",
    metadata,
    Column("product_id", UUID_TYPE, primary_key=True),
    Column("count", BigInteger),
    Column("sum", BigInteger),
    Column("version", BigInteger),
)

_mapped = registry(metadata=metadata)
_mapped.map_imperatively(Category, category)
# `relevance` is no column: a search fills it with the rank that its cursors carry.
_mapped.map_imperatively(Product, product, properties={"relevance": query_expression()})
_mapped.map_imperatively(Variant, variant)

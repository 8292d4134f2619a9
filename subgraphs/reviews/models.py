"""The tables of reviews and how its classes map onto them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, MetaData, SmallInteger, Table, Text
from sqlalchemy.orm import registry

from shared.db.types import MOMENT, UUID_TYPE, text_enum
from subgraphs.reviews.domain import Review, ReviewStatus

metadata = MetaData()

review = Table(
    "review",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("product_id", UUID_TYPE),
    Column("seller_id", UUID_TYPE),
    Column("author_id", UUID_TYPE),
    Column("rating", SmallInteger),
    Column("title", Text),
    Column("body", Text),
    Column("status", text_enum(ReviewStatus)),
    Column("reply", Text),
    Column("version", BigInteger),
    Column("created_at", MOMENT),
)

delivered_line = Table(
    "delivered_line",
    metadata,
    Column("line_id", UUID_TYPE, primary_key=True),
    Column("buyer_id", UUID_TYPE),
    Column("product_id", UUID_TYPE),
    Column("seller_id", UUID_TYPE),
    Column("delivered_at", MOMENT),
)

product_rating = Table(
    "product_rating",
    metadata,
    Column("product_id", UUID_TYPE, primary_key=True),
    Column("seller_id", UUID_TYPE),
    Column("count", BigInteger),
    Column("sum", BigInteger),
    Column("version", BigInteger),
)

registry(metadata=metadata).map_imperatively(Review, review)

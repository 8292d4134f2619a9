"""The tables of notifications and how its classes map onto them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry

from shared.db.types import MOMENT, UUID_TYPE, text_enum, trace_context
from subgraphs.notifications.domain.notification import DeliveryOutcome, Notification, NotificationStatus
from subgraphs.notifications.domain.templates import Template

metadata = MetaData()

recipient = Table(
    "recipient",
    metadata,
    Column("user_id", UUID_TYPE, primary_key=True),
    Column("sealed_email", Text),
    Column("locale", Text),
    Column("version", BigInteger),
    Column("erased_at", MOMENT),
)

seller_owner = Table(
    "seller_owner",
    metadata,
    Column("seller_id", UUID_TYPE, primary_key=True),
    Column("owner_id", UUID_TYPE),
    Column("version", BigInteger),
)

notification = Table(
    "notification",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("dedupe_key", Text),
    Column("user_id", UUID_TYPE),
    Column("seller_id", UUID_TYPE),
    Column("template", text_enum(Template)),
    Column("data", JSONB),
    Column("status", text_enum(NotificationStatus)),
    Column("sealed_secret", Text),
    Column("expires_at", MOMENT),
    Column("due_at", MOMENT),
    Column("attempts", Integer),
    Column("failure", Text),
    Column("read_at", MOMENT),
    Column("version", BigInteger),
    Column("created_at", MOMENT),
    Column("settled_at", MOMENT),
    trace_context(),
)

delivery = Table(
    "delivery",
    metadata,
    Column("notification_id", UUID_TYPE, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("outcome", text_enum(DeliveryOutcome)),
    Column("reply_code", Integer),
    Column("at", MOMENT),
)

registry(metadata=metadata).map_imperatively(Notification, notification)

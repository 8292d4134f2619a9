"""The table of audit and how its class maps onto it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, MetaData, Table, Text
from sqlalchemy.orm import registry

from shared.db.types import MOMENT, UUID_TYPE
from subgraphs.audit.domain import AuditEntry

metadata = MetaData()

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("id", UUID_TYPE),
    Column("event_id", UUID_TYPE),
    Column("action", Text),
    Column("actor_id", UUID_TYPE),
    Column("target_type", Text),
    Column("target_id", UUID_TYPE),
    Column("correlation_id", Text),
    Column("details", Text),
    Column("occurred_at", MOMENT),
    Column("recorded_at", MOMENT),
    Column("previous_hash", Text),
    Column("hash", Text),
)

registry(metadata=metadata).map_imperatively(AuditEntry, audit_entry)

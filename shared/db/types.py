"""How Python types map to columns, for the declarative base that each domain's `models.py` makes of its own.

Table names are unqualified: the role's search_path is its own schema, the only one it may use.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Uuid
from sqlalchemy.dialects.postgresql import JSONB

COLUMN_TYPES: dict[Any, Any] = {
    UUID: Uuid(as_uuid=True),
    datetime: DateTime(timezone=True),
    dict[str, Any]: JSONB,
    list[Any]: JSONB,
    int: BigInteger,
}

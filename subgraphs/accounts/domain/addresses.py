"""Where a user has things sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

MAX_ADDRESSES = 20


@dataclass(eq=False)
class Address:
    """One of a user's addresses; at most one is the default."""

    id: UUID
    user_id: UUID
    recipient: str
    line1: str
    line2: str
    postal_code: str
    city: str
    region: str
    country: str
    phone: str
    is_default: bool
    created_at: datetime

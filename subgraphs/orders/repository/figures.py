"""What is under way, for operators: how many checkouts in which state, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.orders.domain.group import GroupStatus

# Few rows, by two indexes: those that have ended are not looked at.
_UNDER_WAY = text(
    """
    SELECT g.status, EXTRACT(epoch FROM CAST(:now AS timestamptz) - t.at) AS seconds,
           g.status <> 'PAID' AND g.expires_at < CAST(:now AS timestamptz) AS overdue
    FROM order_group g
    JOIN state_transition t ON t.group_id = g.id AND t.order_id IS NULL AND t.to_status = g.status
    WHERE g.status IN ('RESERVING', 'AWAITING_PAYMENT', 'PAID')
    ORDER BY g.placed_at
    LIMIT :most
    """
)
_PARKED = text("SELECT count(*) FROM parked_event")


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A checkout that has not ended. `seconds` it is in its state; `overdue`: unpaid past its deadline."""

    status: GroupStatus
    seconds: float
    overdue: bool


async def checkouts_under_way(session: AsyncSession, now: datetime, most: int) -> Sequence[UnderWay]:
    """At most so many, the oldest first."""
    rows = await session.execute(_UNDER_WAY, {"now": now, "most": most})
    return [UnderWay(GroupStatus(row.status), max(0.0, float(row.seconds)), row.overdue) for row in rows]


async def count_parked(session: AsyncSession) -> int:
    return await session.scalar(_PARKED) or 0

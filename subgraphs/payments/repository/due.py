"""Who calls the provider next: work is claimed by moving its due time, so that the call itself holds no transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Table, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.payments import models
from subgraphs.payments.domain.payment import OPEN_ATTEMPT, PaymentAttempt
from subgraphs.payments.domain.payout import Payout, PayoutStatus
from subgraphs.payments.domain.refund import Refund, RefundStatus

Due = TypeVar("Due", PaymentAttempt, Refund, Payout)

FIRST_RETRY = timedelta(seconds=10)
"""Longer than a call to the provider may take: nobody is asked twice at the same time."""
LAST_RETRY = timedelta(minutes=5)

_OPEN: dict[type[Any], tuple[Table, ColumnElement[bool]]] = {
    PaymentAttempt: (models.payment_attempt, models.payment_attempt.c.status.in_(OPEN_ATTEMPT)),
    Refund: (models.refund, models.refund.c.status == RefundStatus.PENDING),
    Payout: (models.payout, models.payout.c.status == PayoutStatus.PENDING),
}


async def claim_new(session: AsyncSession, kind: type[Due], row_id: UUID, now: datetime) -> Due | None:
    """That piece of work, if nobody has called the provider for it yet. The caller then does."""
    table, _ = _OPEN[kind]
    return await _claim(session, kind, now, (table.c.id == row_id) & (table.c.tries == 0))


async def claim_due(session: AsyncSession, kind: type[Due], now: datetime) -> Due | None:
    """The piece of work that is due longest and that no other worker claims."""
    table, _ = _OPEN[kind]
    return await _claim(session, kind, now, table.c.due_at <= now)


async def count_open(session: AsyncSession, kind: type[Any]) -> tuple[int, datetime | None]:
    """How much of it is not settled, and when the first of that is due."""
    table, is_open = _OPEN[kind]
    count, first = (await session.execute(select(func.count(), func.min(table.c.due_at)).where(is_open))).one()
    return count, first


async def _claim(session: AsyncSession, kind: type[Due], now: datetime, wanted: ColumnElement[bool]) -> Due | None:
    table, is_open = _OPEN[kind]
    statement = select(kind).where(wanted, is_open).order_by(table.c.due_at).limit(1).with_for_update(skip_locked=True)
    found: Due | None = await session.scalar(statement)
    if found is not None:
        found.due_at = now + min(FIRST_RETRY * 2**found.tries, LAST_RETRY)
        found.tries += 1
    return found

"""All SQL of audit."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db.keyset import Page, PageRequest, SortKey, fetch_page
from subgraphs.audit import models
from subgraphs.audit.domain import AuditEntry, AuditFilter

_t = models.audit_entry
NEWEST_FIRST: SortKey[AuditEntry] = SortKey(
    _t.c.position, _t.c.id, value=lambda entry: entry.position, id=lambda entry: entry.id, descending=True
)
# One writer at a time, whichever process it is: the chain is a line. It ends with the transaction.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('audit-chain:' || current_schema(), 0))")


async def lock_chain(session: AsyncSession) -> AuditEntry | None:
    """Become the chain's only writer and answer its last entry; None where the chain is empty."""
    await session.execute(_LOCK)
    return await session.scalar(select(AuditEntry).order_by(_t.c.position.desc()).limit(1))


async def entries_after(session: AsyncSession, position: int, limit: int) -> Sequence[AuditEntry]:
    """In the chain's order."""
    statement = select(AuditEntry).where(_t.c.position > position).order_by(_t.c.position).limit(limit)
    return (await session.scalars(statement)).all()


async def entry_page(session: AsyncSession, wanted: AuditFilter, request: PageRequest) -> Page[AuditEntry]:
    return await fetch_page(session, _matching(wanted), NEWEST_FIRST, request)


async def count_entries(session: AsyncSession, wanted: AuditFilter) -> int:
    return await session.scalar(select(func.count()).select_from(_matching(wanted).subquery())) or 0


def _matching(wanted: AuditFilter) -> Select[AuditEntry]:
    statement = select(AuditEntry)
    if wanted.action is not None:
        statement = statement.where(_t.c.action == wanted.action)
    if wanted.actor_id is not None:
        statement = statement.where(_t.c.actor_id == wanted.actor_id)
    if wanted.target_id is not None:
        statement = statement.where(_t.c.target_id == wanted.target_id)
    if wanted.since is not None:
        statement = statement.where(_t.c.occurred_at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(_t.c.occurred_at < wanted.until)
    return statement

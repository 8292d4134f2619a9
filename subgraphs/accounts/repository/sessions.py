"""SQL of sessions and their refresh tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.accounts import models
from subgraphs.accounts.domain.sessions import LiveSession, Session, SpentToken
from subgraphs.accounts.repository.users import rights_of

_t = models.session
_spent = models.spent_refresh_token


async def find_by_token_for_update(session: AsyncSession, token_hash: bytes) -> Session | None:
    """The session whose current token this is.

    A request that waited here for another's rotation finds None: the token is no longer the current one.
    """
    return await session.scalar(select(Session).where(_t.c.token_hash == token_hash).with_for_update())


async def find_for_update(session: AsyncSession, session_id: UUID) -> Session | None:
    return await session.scalar(
        select(Session).where(_t.c.id == session_id).with_for_update().execution_options(populate_existing=True)
    )


async def find_spent(session: AsyncSession, token_hash: bytes) -> tuple[SpentToken, UUID] | None:
    """A token that was rotated away, and whose it was."""
    statement = (
        select(_spent.c.token_hash, _spent.c.session_id, _spent.c.spent_at, _t.c.user_id)
        .join(_t, _t.c.id == _spent.c.session_id)
        .where(_spent.c.token_hash == token_hash)
    )
    row = (await session.execute(statement)).first()
    return (SpentToken(row.token_hash, row.session_id, row.spent_at), row.user_id) if row else None


async def add_spent(session: AsyncSession, spent: SpentToken) -> None:
    await session.execute(
        insert(_spent).values(token_hash=spent.token_hash, session_id=spent.session_id, spent_at=spent.spent_at)
    )


async def find_live(session: AsyncSession, session_id: UUID, now: datetime) -> LiveSession | None:
    found = await session.scalar(
        select(_t.c.user_id).where(_t.c.id == session_id, _t.c.revoked_at.is_(None), _t.c.expires_at > now)
    )
    return LiveSession(found, await rights_of(session, found)) if found else None


async def live_sessions(session: AsyncSession, user_id: UUID) -> Sequence[UUID]:
    """Ids of the user's sessions that were not revoked."""
    found = await session.scalars(select(_t.c.id).where(_t.c.user_id == user_id, _t.c.revoked_at.is_(None)))
    return found.all()


async def revoke_all(session: AsyncSession, user_id: UUID, now: datetime, *, but: UUID | None = None) -> Sequence[UUID]:
    """End the user's sessions, all or all but one; the ids of those that ended."""
    statement = update(_t).where(_t.c.user_id == user_id, _t.c.revoked_at.is_(None)).values(revoked_at=now)
    if but is not None:
        statement = statement.where(_t.c.id != but)
    return (await session.scalars(statement.returning(_t.c.id))).all()


async def delete_expired(session: AsyncSession, before: datetime) -> None:
    """With their spent tokens, which go by the foreign key."""
    await session.execute(delete(_t).where(_t.c.expires_at < before))

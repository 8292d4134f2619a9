"""SQL of password hashes, mailed tokens and failed attempts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.accounts import models
from subgraphs.accounts.domain.tokens import OneTimeToken, TokenKind

_c = models.credential
_token = models.one_time_token
_attempt = models.login_attempt


async def find_password_hash(session: AsyncSession, user_id: UUID) -> str | None:
    return await session.scalar(select(_c.c.password_hash).where(_c.c.user_id == user_id))


async def set_password_hash(session: AsyncSession, user_id: UUID, password_hash: str, now: datetime) -> None:
    values = {"password_hash": password_hash, "changed_at": now}
    statement = insert(_c).values(user_id=user_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=[_c.c.user_id], set_=values))


async def add_token(session: AsyncSession, token: OneTimeToken) -> None:
    """The newest mail is the valid one: earlier tokens of the kind end."""
    await session.execute(
        update(_token)
        .where(_token.c.user_id == token.user_id, _token.c.kind == token.kind, _token.c.used_at.is_(None))
        .values(used_at=token.created_at)
    )
    await session.execute(
        insert(_token).values(
            token_hash=token.token_hash,
            user_id=token.user_id,
            kind=token.kind,
            created_at=token.created_at,
            expires_at=token.expires_at,
        )
    )


async def has_unused_token_since(session: AsyncSession, user_id: UUID, kind: TokenKind, since: datetime) -> bool:
    """Whether one that was made after that moment waits for its use."""
    found = select(_token.c.token_hash).where(
        _token.c.user_id == user_id, _token.c.kind == kind, _token.c.used_at.is_(None), _token.c.created_at > since
    )
    return bool(await session.scalar(select(found.exists())))


async def use_token(session: AsyncSession, token_hash: bytes, kind: TokenKind, now: datetime) -> UUID | None:
    """Use it up: whose it was, or None where it is unknown, expired or used. Only one of two at once succeeds."""
    statement = (
        update(_token)
        .where(
            _token.c.token_hash == token_hash,
            _token.c.kind == kind,
            _token.c.used_at.is_(None),
            _token.c.expires_at > now,
        )
        .values(used_at=now)
        .returning(_token.c.user_id)
    )
    used: UUID | None = await session.scalar(statement)
    return used


async def count_attempts(
    session: AsyncSession, account_key: bytes, client_key: bytes | None, since: datetime
) -> tuple[int, int]:
    """How many failed since, at the account and by the client. Each is counted along an index of its own."""

    def counted(condition: ColumnElement[bool]) -> ScalarSelect[int]:
        return select(func.count()).where(condition, _attempt.c.failed_at > since).scalar_subquery()

    by_client = counted(_attempt.c.client_key == client_key) if client_key is not None else literal(0)
    of_account, of_client = (
        await session.execute(select(counted(_attempt.c.account_key == account_key), by_client))
    ).one()
    return of_account, of_client


async def add_attempt(session: AsyncSession, account_key: bytes, client_key: bytes | None, now: datetime) -> None:
    await session.execute(insert(_attempt).values(account_key=account_key, client_key=client_key, failed_at=now))


async def clear_attempts(session: AsyncSession, account_key: bytes) -> None:
    await session.execute(delete(_attempt).where(_attempt.c.account_key == account_key))


async def delete_of_user(session: AsyncSession, user_id: UUID) -> None:
    """What erasure leaves no trace of: the password and the mailed tokens."""
    await session.execute(delete(_c).where(_c.c.user_id == user_id))
    await session.execute(delete(_token).where(_token.c.user_id == user_id))


async def delete_expired(session: AsyncSession, *, tokens_before: datetime, attempts_before: datetime) -> None:
    await session.execute(delete(_token).where(_token.c.expires_at < tokens_before))
    await session.execute(delete(_attempt).where(_attempt.c.failed_at < attempts_before))

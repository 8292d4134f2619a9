"""SQL of accounts and roles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth.actor import Role
from shared.db.keyset import Page, PageRequest, SortKey, fetch_page
from subgraphs.accounts import models
from subgraphs.accounts.domain.users import NO_RIGHTS, Rights, SellerGrant, UserAccount
from subgraphs.accounts.errors import UserNotFound

_t = models.user_account
_r = models.user_role
NEWEST_FIRST: SortKey[UserAccount] = SortKey(
    column=_t.c.created_at,
    id_column=_t.c.id,
    value=lambda user: user.created_at,
    id=lambda user: user.id,
    descending=True,
)


async def get_for_update(session: AsyncSession, user_id: UUID) -> UserAccount:
    """The account, locked until the transaction ends. Raises UserNotFound, also for an erased one."""
    found = await find_for_update(session, user_id)
    if found is None:
        raise UserNotFound
    return found


async def find_for_update(session: AsyncSession, user_id: UUID) -> UserAccount | None:
    """None also for an erased account. Whoever also locks sessions of the user locks the account first."""
    statement = select(UserAccount).where(_t.c.id == user_id, _t.c.erased_at.is_(None)).with_for_update()
    return await session.scalar(statement.execution_options(populate_existing=True))


async def find_by_email(session: AsyncSession, email: str) -> UserAccount | None:
    return await session.scalar(_by_email(email))


async def find_by_email_for_update(session: AsyncSession, email: str) -> UserAccount | None:
    return await session.scalar(_by_email(email).with_for_update())


async def add(session: AsyncSession, user: UserAccount) -> bool:
    """Whether the address was free; two that register it at once wait for one another here."""
    statement = (
        insert(_t)
        .values(
            id=user.id,
            email=user.email,
            display_name=user.display_name,
            locale=user.locale,
            email_verified_at=user.email_verified_at,
            version=user.version,
            created_at=user.created_at,
        )
        .on_conflict_do_nothing()
        .returning(_t.c.id)
    )
    return (await session.execute(statement)).first() is not None


async def users_by_id(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, UserAccount]:
    found = await session.scalars(select(UserAccount).where(_t.c.id.in_(ids)))
    return {user.id: user for user in found}


async def user_page(
    session: AsyncSession, request: PageRequest, *, email: str | None, role: Role | None
) -> Page[UserAccount]:
    return await fetch_page(session, _matching(email, role), NEWEST_FIRST, request)


async def count_users(session: AsyncSession, *, email: str | None, role: Role | None) -> int:
    return await session.scalar(select(func.count()).select_from(_matching(email, role).subquery())) or 0


async def rights_by_user(session: AsyncSession, user_ids: Sequence[UUID]) -> Mapping[UUID, Rights]:
    rows = await session.execute(
        select(_r.c.user_id, _r.c.role, _r.c.seller_id).where(_r.c.user_id.in_(user_ids), _r.c.revoked_at.is_(None))
    )
    roles: dict[UUID, set[Role]] = defaultdict(set)
    sellers: dict[UUID, UUID] = {}
    for user_id, role, seller_id in rows:
        roles[user_id].add(role)
        if seller_id is not None:
            sellers[user_id] = seller_id
    return {user_id: Rights(frozenset(held), sellers.get(user_id)) for user_id, held in roles.items()}


async def rights_of(session: AsyncSession, user_id: UUID) -> Rights:
    return (await rights_by_user(session, [user_id])).get(user_id, NO_RIGHTS)


async def find_seller_grant(session: AsyncSession, user_id: UUID) -> SellerGrant | None:
    row = (
        await session.execute(
            select(_r.c.seller_id, _r.c.seller_version, _r.c.revoked_at).where(
                _r.c.user_id == user_id, _r.c.role == Role.SELLER
            )
        )
    ).first()
    return SellerGrant(row.seller_id, row.seller_version, row.revoked_at is not None) if row else None


async def grant_seller(session: AsyncSession, user_id: UUID, seller_id: UUID, version: int, now: datetime) -> None:
    """Give the role, or take over the approval's seller and version where there was one before."""
    values = {"seller_id": seller_id, "seller_version": version, "granted_at": now, "revoked_at": None}
    statement = (
        insert(_r)
        .values(user_id=user_id, role=Role.SELLER, **values)
        .on_conflict_do_update(index_elements=[_r.c.user_id, _r.c.role], set_=values)
    )
    await session.execute(statement)


async def grant_role(session: AsyncSession, user_id: UUID, role: Role, now: datetime) -> bool:
    """Whether the user did not hold it before."""
    statement = (
        insert(_r)
        .values(user_id=user_id, role=role, granted_at=now)
        .on_conflict_do_update(
            index_elements=[_r.c.user_id, _r.c.role],
            set_={"granted_at": now, "revoked_at": None},
            where=_r.c.revoked_at.is_not(None),
        )
        .returning(_r.c.role)
    )
    return (await session.execute(statement)).first() is not None


async def revoke_roles(session: AsyncSession, user_id: UUID, roles: Iterable[Role], now: datetime) -> bool:
    """Whether the user held any of them."""
    statement = (
        update(_r)
        .where(_r.c.user_id == user_id, _r.c.role.in_(list(roles)), _r.c.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(_r.c.role)
    )
    return (await session.execute(statement)).first() is not None


def _by_email(email: str) -> Select[UserAccount]:
    return select(UserAccount).where(func.lower(_t.c.email) == email.lower())


def _matching(email: str | None, role: Role | None) -> Select[UserAccount]:
    statement = select(UserAccount)
    if email is not None:
        statement = statement.where(func.lower(_t.c.email) == email.strip().lower())
    if role is not None:
        holders = select(_r.c.user_id).where(_r.c.role == role, _r.c.revoked_at.is_(None))
        statement = statement.where(_t.c.id.in_(holders))
    return statement

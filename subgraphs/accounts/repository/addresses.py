"""SQL of addresses. Row-level security limits them to their owner and staff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db.keyset import Page, PageRequest, SortKey, fetch_pages
from subgraphs.accounts import models
from subgraphs.accounts.domain.addresses import Address
from subgraphs.accounts.errors import AddressNotFound

_t = models.address
OLDEST_FIRST: SortKey[Address] = SortKey(
    column=_t.c.created_at,
    id_column=_t.c.id,
    value=lambda address: address.created_at,
    id=lambda address: address.id,
)


async def get_for_update(session: AsyncSession, user_id: UUID, address_id: UUID) -> Address:
    """The user's own address, locked. Raises AddressNotFound, also for another user's, whoever asks."""
    found = await session.scalar(
        select(Address).where(_t.c.id == address_id, _t.c.user_id == user_id).with_for_update()
    )
    if found is None:
        raise AddressNotFound
    return found


async def addresses_by_id(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, Address]:
    found = await session.scalars(select(Address).where(_t.c.id.in_(ids)))
    return {address.id: address for address in found}


async def address_pages_by_user(
    session: AsyncSession, user_ids: Sequence[UUID], request: PageRequest
) -> Mapping[UUID, Page[Address]]:
    statement = select(Address).where(_t.c.user_id.in_(user_ids))
    return await fetch_pages(
        session, statement, OLDEST_FIRST, request, parent=_t.c.user_id, parent_of=lambda address: address.user_id
    )


async def address_counts_by_user(session: AsyncSession, user_ids: Sequence[UUID]) -> Mapping[UUID, int]:
    rows = await session.execute(
        select(_t.c.user_id, func.count()).where(_t.c.user_id.in_(user_ids)).group_by(_t.c.user_id)
    )
    return {row[0]: row[1] for row in rows}


async def count_addresses(session: AsyncSession, user_id: UUID) -> int:
    return (await address_counts_by_user(session, [user_id])).get(user_id, 0)


async def clear_default(session: AsyncSession, user_id: UUID) -> None:
    """At most one address is the default: the one before gives way first."""
    await session.execute(update(_t).where(_t.c.user_id == user_id, _t.c.is_default).values(is_default=False))


async def remove(session: AsyncSession, user_id: UUID, address_id: UUID) -> None:
    """Raises AddressNotFound."""
    gone = delete(_t).where(_t.c.id == address_id, _t.c.user_id == user_id).returning(_t.c.id)
    if await session.scalar(gone) is None:
        raise AddressNotFound


async def remove_all(session: AsyncSession, user_id: UUID) -> None:
    await session.execute(delete(_t).where(_t.c.user_id == user_id))

"""SQL of sellers, their members and the people who were erased."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, delete, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db.keyset import Page, PageRequest, SortKey, fetch_page, fetch_pages
from subgraphs.sellers import models
from subgraphs.sellers.domain.sellers import ENDED, Seller, SellerMember, SellerStatus, slug_candidates
from subgraphs.sellers.errors import SellerNotFound, SlugTaken

_t = models.seller
_member = models.seller_member
NEWEST_FIRST: SortKey[Seller] = SortKey(
    _t.c.created_at, _t.c.id, value=lambda seller: seller.created_at, id=lambda seller: seller.id, descending=True
)
MEMBERS: SortKey[SellerMember] = SortKey(
    _member.c.added_at, _member.c.id, value=lambda member: member.added_at, id=lambda member: member.id
)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('seller-person:' || current_schema() || :user_id, 0))")


async def lock_person(session: AsyncSession, user_id: UUID) -> None:
    """One unit of work at a time decides what this person may be here. Taken before any row of a seller is locked."""
    await session.execute(_LOCK, {"user_id": str(user_id)})


async def is_erased(session: AsyncSession, user_id: UUID) -> bool:
    t = models.erased_user
    return await session.scalar(select(t.c.user_id).where(t.c.user_id == user_id)) is not None


async def note_erased(session: AsyncSession, user_id: UUID, at: datetime) -> None:
    await session.execute(insert(models.erased_user).values(user_id=user_id, erased_at=at).on_conflict_do_nothing())


async def get(session: AsyncSession, seller_id: UUID) -> Seller:
    """Raises SellerNotFound, also where row-level security hides it."""
    found = await session.scalar(select(Seller).where(_t.c.id == seller_id))
    if found is None:
        raise SellerNotFound
    return found


async def get_for_update(session: AsyncSession, seller_id: UUID) -> Seller:
    """The seller, locked until the transaction ends. Raises SellerNotFound, also where row-level security hides it."""
    found = await session.scalar(select(Seller).where(_t.c.id == seller_id).with_for_update())
    if found is None:
        raise SellerNotFound
    return found


async def find_open_of(session: AsyncSession, owner_id: UUID) -> Seller | None:
    """The one seller or application of this person that was neither rejected nor closed."""
    return await session.scalar(select(Seller).where(_t.c.owner_id == owner_id, _t.c.status.not_in(ENDED)))


async def list_of_owner_for_update(session: AsyncSession, owner_id: UUID) -> Sequence[Seller]:
    statement = select(Seller).where(_t.c.owner_id == owner_id).order_by(_t.c.id).with_for_update()
    return (await session.scalars(statement)).all()


async def add(session: AsyncSession, seller: Seller) -> None:
    """Insert it under the first slug of its name that is free.

    The unique index decides: row-level security hides from an applicant which slugs are taken.
    """
    values = {column.name: getattr(seller, column.name) for column in _t.columns}
    for slug in slug_candidates(seller.name, seller.id):
        statement = insert(_t).values(values | {"slug": slug}).on_conflict_do_nothing(index_elements=[_t.c.slug])
        if (await session.execute(statement.returning(_t.c.id))).first() is not None:
            seller.slug = slug
            return
    raise SlugTaken


async def save_slug(session: AsyncSession) -> None:
    """Write what was changed of a seller. Raises SlugTaken."""
    try:
        async with session.begin_nested():
            await session.flush()
    except IntegrityError as error:
        if "seller_slug" not in str(error.orig):
            raise
        raise SlugTaken from error


async def find_member(session: AsyncSession, seller_id: UUID, user_id: UUID) -> SellerMember | None:
    return await session.scalar(
        select(SellerMember).where(_member.c.seller_id == seller_id, _member.c.user_id == user_id)
    )


async def remove_members(session: AsyncSession, *, user_id: UUID, seller_ids: Sequence[UUID]) -> None:
    """This person everywhere, and everybody of these sellers."""
    await session.execute(delete(_member).where(or_(_member.c.user_id == user_id, _member.c.seller_id.in_(seller_ids))))


async def sellers_by_id(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, Seller]:
    return {seller.id: seller for seller in await session.scalars(select(Seller).where(_t.c.id.in_(ids)))}


async def find_by_slug(session: AsyncSession, slug: str) -> Seller | None:
    """Of those that sell."""
    return await session.scalar(select(Seller).where(_t.c.slug == slug, _t.c.status == SellerStatus.APPROVED))


async def find_for_person(session: AsyncSession, user_id: UUID, seller_id: UUID | None) -> Seller | None:
    """The seller this person acts for, owns or is a member of: an open one before one that ended, the newest first."""
    membership = select(_member.c.seller_id).where(_member.c.user_id == user_id)
    theirs = or_(_t.c.owner_id == user_id, _t.c.id.in_(membership), _t.c.id == seller_id)
    return await session.scalar(
        select(Seller).where(theirs).order_by(_t.c.status.in_(ENDED), _t.c.created_at.desc(), _t.c.id).limit(1)
    )


async def seller_page(session: AsyncSession, status: SellerStatus | None, request: PageRequest) -> Page[Seller]:
    return await fetch_page(session, _with_status(status), NEWEST_FIRST, request)


async def count_sellers(session: AsyncSession, status: SellerStatus | None) -> int:
    return await session.scalar(select(func.count()).select_from(_with_status(status).subquery())) or 0


async def member_pages_by_seller(
    session: AsyncSession, seller_ids: Sequence[UUID], request: PageRequest
) -> Mapping[UUID, Page[SellerMember]]:
    """The owner first, then in the order they came."""
    statement = select(SellerMember).where(_member.c.seller_id.in_(seller_ids))
    return await fetch_pages(
        session, statement, MEMBERS, request, parent=_member.c.seller_id, parent_of=lambda member: member.seller_id
    )


async def member_counts_by_seller(session: AsyncSession, seller_ids: Sequence[UUID]) -> Mapping[UUID, int]:
    statement = select(_member.c.seller_id, func.count()).where(_member.c.seller_id.in_(seller_ids))
    rows = await session.execute(statement.group_by(_member.c.seller_id))
    return {seller_id: int(count) for seller_id, count in rows}


def _with_status(status: SellerStatus | None) -> Select[Seller]:
    statement = select(Seller)
    return statement.where(_t.c.status == status) if status is not None else statement

"""SQL of verification cases and their documents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db.keyset import Page, PageRequest, SortKey, fetch_page
from subgraphs.sellers import models
from subgraphs.sellers.domain.verification import VerificationCase, VerificationDocument, VerificationStatus

_t = models.verification_case
_document = models.verification_document
OLDEST_FIRST: SortKey[VerificationCase] = SortKey(
    _t.c.submitted_at, _t.c.id, value=lambda case: case.submitted_at, id=lambda case: case.id
)


async def find_submitted(session: AsyncSession, seller_id: UUID) -> VerificationCase | None:
    """The case that waits for a decision; there is at most one. Its seller is locked already."""
    return await session.scalar(
        select(VerificationCase).where(_t.c.seller_id == seller_id, _t.c.status == VerificationStatus.SUBMITTED)
    )


async def forget(session: AsyncSession, seller_ids: Sequence[UUID]) -> None:
    """Documents and what was written about them."""
    await session.execute(delete(_document).where(_document.c.seller_id.in_(seller_ids)))
    await session.execute(update(_t).where(_t.c.seller_id.in_(seller_ids)).values(reason=""))


async def newest_case_by_seller(session: AsyncSession, seller_ids: Sequence[UUID]) -> Mapping[UUID, VerificationCase]:
    statement = (
        select(VerificationCase)
        .where(_t.c.seller_id.in_(seller_ids))
        .ext(distinct_on(_t.c.seller_id))
        .order_by(_t.c.seller_id, _t.c.submitted_at.desc(), _t.c.id)
    )
    return {case.seller_id: case for case in await session.scalars(statement)}


async def documents_by_case(
    session: AsyncSession, case_ids: Sequence[UUID]
) -> Mapping[UUID, list[VerificationDocument]]:
    """In the order they were handed in."""
    statement = select(VerificationDocument).where(_document.c.case_id.in_(case_ids)).order_by(_document.c.position)
    documents: dict[UUID, list[VerificationDocument]] = defaultdict(list)
    for document in await session.scalars(statement):
        documents[document.case_id].append(document)
    return documents


async def queue_page(session: AsyncSession, request: PageRequest) -> Page[VerificationCase]:
    return await fetch_page(session, _waiting(), OLDEST_FIRST, request)


async def count_queue(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(_waiting().subquery())) or 0


def _waiting() -> Select[VerificationCase]:
    return select(VerificationCase).where(_t.c.status == VerificationStatus.SUBMITTED)

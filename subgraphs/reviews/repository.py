"""All SQL of reviews."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db.keyset import Page, PageRequest, SortKey, fetch_page, fetch_pages
from subgraphs.reviews import models
from subgraphs.reviews.domain import DeliveredLine, ProductRating, Rating, Review, ReviewStatus
from subgraphs.reviews.errors import ReviewNotFound

_t = models.review
NEWEST_FIRST: SortKey[Review] = SortKey(
    column=_t.c.created_at,
    id_column=_t.c.id,
    value=lambda review: review.created_at,
    id=lambda review: review.id,
    descending=True,
)


async def get_for_update(session: AsyncSession, review_id: UUID) -> Review:
    """The review, locked until the transaction ends. Raises ReviewNotFound, also where row-level security hides it."""
    found = await session.scalar(select(Review).where(_t.c.id == review_id).with_for_update())
    if found is None:
        raise ReviewNotFound
    return found


async def add_review(session: AsyncSession, review: Review) -> bool:
    """False where the author has reviewed the product already, also a moment ago in another transaction."""
    values = {column.name: getattr(review, column.name) for column in _t.columns}
    made = await session.execute(insert(_t).values(values).on_conflict_do_nothing().returning(_t.c.id))
    return made.first() is not None


async def find_delivered_line(session: AsyncSession, buyer_id: UUID, product_id: UUID) -> DeliveredLine | None:
    """Any line by which this buyer received this product."""
    line = models.delivered_line
    statement = select(line).where(line.c.buyer_id == buyer_id, line.c.product_id == product_id).limit(1)
    row = (await session.execute(statement)).first()
    return DeliveredLine(**row._mapping) if row else None  # noqa: SLF001 — SQLAlchemy's public name for it.


async def add_delivered_lines(session: AsyncSession, lines: Sequence[DeliveredLine]) -> None:
    """Lines that are known already stay as they are: a delivery is told once, however often the event comes."""
    values = [
        {
            "line_id": line.line_id,
            "buyer_id": line.buyer_id,
            "product_id": line.product_id,
            "seller_id": line.seller_id,
            "delivered_at": line.delivered_at,
        }
        for line in lines
    ]
    await session.execute(insert(models.delivered_line).values(values).on_conflict_do_nothing())


async def count_into_rating(session: AsyncSession, review: Review) -> ProductRating:
    """Add a published review to its product's sums, atomically, and answer them."""
    t = models.product_rating
    statement = (
        insert(t)
        .values(product_id=review.product_id, seller_id=review.seller_id, count=1, sum=review.rating, version=1)
        .on_conflict_do_update(
            index_elements=[t.c.product_id],
            set_={"count": t.c.count + 1, "sum": t.c.sum + review.rating, "version": t.c.version + 1},
        )
        .returning(t.c.count, t.c.sum, t.c.version)
    )
    count, total, version = (await session.execute(statement)).one()
    return ProductRating(review.product_id, Rating(count, total), version)


async def reviews_by_id(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, Review]:
    found = await session.scalars(select(Review).where(_t.c.id.in_(ids)))
    return {review.id: review for review in found}


async def ratings_by_product(session: AsyncSession, product_ids: Sequence[UUID]) -> Mapping[UUID, Rating]:
    t = models.product_rating
    rows = await session.execute(select(t.c.product_id, t.c.count, t.c.sum).where(t.c.product_id.in_(product_ids)))
    return {product_id: Rating(count, total) for product_id, count, total in rows}


async def ratings_by_seller(session: AsyncSession, seller_ids: Sequence[UUID]) -> Mapping[UUID, Rating]:
    t = models.product_rating
    rows = await session.execute(
        select(t.c.seller_id, func.sum(t.c.count), func.sum(t.c.sum))
        .where(t.c.seller_id.in_(seller_ids))
        .group_by(t.c.seller_id)
    )
    return {seller_id: Rating(int(count), int(total)) for seller_id, count, total in rows}


async def review_pages_by_product(
    session: AsyncSession, product_ids: Sequence[UUID], request: PageRequest
) -> Mapping[UUID, Page[Review]]:
    """Published reviews, newest first."""
    statement = select(Review).where(_t.c.product_id.in_(product_ids), _t.c.status == ReviewStatus.PUBLISHED)
    return await fetch_pages(
        session, statement, NEWEST_FIRST, request, parent=_t.c.product_id, parent_of=lambda review: review.product_id
    )


def by_status(status: ReviewStatus) -> Select[Review]:
    return select(Review).where(_t.c.status == status)


async def review_page(session: AsyncSession, status: ReviewStatus, request: PageRequest) -> Page[Review]:
    return await fetch_page(session, by_status(status), NEWEST_FIRST, request)


async def count_reviews(session: AsyncSession, status: ReviewStatus) -> int:
    return await session.scalar(select(func.count()).select_from(by_status(status).subquery())) or 0

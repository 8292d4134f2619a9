"""SQL of foreign facts, and of the columns of products that follow them.

Each fact is kept only where it is newer than what is there, and its row is locked before the product's: two workers
with facts of one product come one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Table, exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.catalog import models
from subgraphs.catalog.errors import SellerNotActive

_p = models.product


async def require_active_seller(session: AsyncSession, seller_id: UUID) -> None:
    """Lock the seller's fact until the transaction ends. Raises SellerNotActive.

    The lock holds off a suspension that comes at the same moment, and makes a seller's writes come one by one, so that
    a SKU is seen to be free.
    """
    fact = models.seller_fact
    active = await session.scalar(select(fact.c.active).where(fact.c.seller_id == seller_id).with_for_update())
    if not active:
        raise SellerNotActive


async def keep_seller(session: AsyncSession, seller_id: UUID, *, active: bool, version: int) -> Sequence[UUID]:
    """The products that are found, or no longer found, by this; none where the fact is older than what is known."""
    values = {"seller_id": seller_id, "active": active, "version": version}
    if not await _keep(session, models.seller_fact, "seller_id", values):
        return ()
    changed = await session.scalars(
        update(_p)
        .where(_p.c.seller_id == seller_id, _p.c.seller_active.is_not(active))
        .values(seller_active=active)
        .returning(_p.c.id)
    )
    return changed.all()


async def keep_stock(
    session: AsyncSession, variant_id: UUID, product_id: UUID, *, available: int, version: int
) -> Sequence[UUID]:
    """The product, where it thereby came into stock or went out of it."""
    values = {"variant_id": variant_id, "product_id": product_id, "available": available, "version": version}
    if not await _keep(session, models.stock_fact, "variant_id", values):
        return ()
    # Locked by a statement of its own: the next one then sees what those before us in the line committed.
    await session.execute(select(_p.c.id).where(_p.c.id == product_id).with_for_update())
    stock = models.stock_fact
    in_stock = exists().where(stock.c.product_id == product_id, stock.c.available > 0)
    changed = await session.scalars(
        update(_p).where(_p.c.id == product_id, _p.c.in_stock != in_stock).values(in_stock=in_stock).returning(_p.c.id)
    )
    return changed.all()


async def keep_rating(
    session: AsyncSession, product_id: UUID, *, count: int, total: int, version: int
) -> Sequence[UUID]:
    """The product, where its rating in hundredths of a star thereby changed."""
    values = {"product_id": product_id, "count": count, "sum": total, "version": version}
    if not await _keep(session, models.rating_fact, "product_id", values):
        return ()
    rating = (200 * total + count) // (2 * count) if count else 0
    changed = await session.scalars(
        update(_p).where(_p.c.id == product_id, _p.c.rating != rating).values(rating=rating).returning(_p.c.id)
    )
    return changed.all()


async def _keep(session: AsyncSession, table: Table, key: str, values: dict[str, Any]) -> bool:
    """Whether the fact was newer than the one before it, if any."""
    statement = insert(table).values(values)
    newer = statement.on_conflict_do_update(
        index_elements=[key],
        set_={name: statement.excluded[name] for name in values if name != key},
        where=table.c.version < statement.excluded.version,
    ).returning(table.c.version)
    return (await session.execute(newer)).first() is not None

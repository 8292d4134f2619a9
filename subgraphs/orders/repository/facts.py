"""SQL of the projections: each keeps what is newer than it has, so that events may come twice and in any order."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Column, Table, case, func
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.orders import models
from subgraphs.orders.domain.facts import ProductStatus, SellerStatus


async def keep_product(
    session: AsyncSession,
    product_id: UUID,
    seller_id: UUID,
    *,
    title: tuple[str, int] = ("", 0),
    status: tuple[ProductStatus, int] = (ProductStatus.UNPUBLISHED, 0),
) -> None:
    """`title` and `status` come with the version of the event that told them; version 0 means: not told."""
    t = models.product_fact
    statement = insert(t).values(
        product_id=product_id,
        seller_id=seller_id,
        title=title[0],
        title_version=title[1],
        status=status[0],
        status_version=status[1],
    )
    newer = _newer(t, statement, "title_version", "title") | _newer(t, statement, "status_version", "status")
    await session.execute(statement.on_conflict_do_update(index_elements=[t.c.product_id], set_=newer))


async def keep_variant(
    session: AsyncSession,
    variant_id: UUID,
    *,
    product_id: UUID,
    seller_id: UUID,
    price: tuple[int, str, int],
    name: tuple[str, str] | None = None,
) -> None:
    """`price` is cents, currency and the event's version; `name` is SKU and title, which never change."""
    t = models.variant_fact
    cents, currency, version = price
    sku, title = name or (None, None)
    statement = insert(t).values(
        variant_id=variant_id,
        product_id=product_id,
        seller_id=seller_id,
        sku=sku,
        title=title,
        price=cents,
        currency=currency,
        price_version=version,
    )
    new = statement.excluded
    changes: dict[str, Any] = {"sku": func.coalesce(t.c.sku, new.sku), "title": func.coalesce(t.c.title, new.title)}
    changes |= _newer(t, statement, "price_version", "price", "currency")
    await session.execute(statement.on_conflict_do_update(index_elements=[t.c.variant_id], set_=changes))


async def keep_seller(
    session: AsyncSession, seller_id: UUID, status: SellerStatus, version: int, *, commission_bps: int | None = None
) -> None:
    """`commission_bps` comes with the approval alone."""
    t = models.seller_fact
    statement = insert(t).values(
        seller_id=seller_id,
        status=status,
        version=version,
        commission_bps=commission_bps,
        commission_version=version if commission_bps is not None else 0,
    )
    newer = _newer(t, statement, "version", "status") | _newer(t, statement, "commission_version", "commission_bps")
    await session.execute(statement.on_conflict_do_update(index_elements=[t.c.seller_id], set_=newer))


async def keep_commission_rule(session: AsyncSession, applies_to: UUID, rate_bps: int, version: int) -> None:
    t = models.commission_rule_fact
    statement = insert(t).values(applies_to=applies_to, rate_bps=rate_bps, version=version)
    newer = _newer(t, statement, "version", "rate_bps")
    await session.execute(statement.on_conflict_do_update(index_elements=[t.c.applies_to], set_=newer))


def _newer(table: Table, statement: Insert, version: str, *columns: str) -> dict[str, Any]:
    """Assignments that take `columns` from the insert only where its `version` is higher than the row's."""
    new = statement.excluded
    known: Column[int] = table.c[version]
    taken: dict[str, Any] = {name: case((new[version] > known, new[name]), else_=table.c[name]) for name in columns}
    return taken | {version: func.greatest(known, new[version])}

"""SQL of what is shown: batches for loaders, pages for lists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db.keyset import Page, PageRequest, SortKey, fetch_page, fetch_pages
from subgraphs.orders import models
from subgraphs.orders.domain.group import OrderGroup
from subgraphs.orders.domain.history import Transition
from subgraphs.orders.domain.order import Order, OrderLine, OrderStatus, Shipment, ShippedLine

_order = models.customer_order
Row = TypeVar("Row")
NEWEST_FIRST: SortKey[Order] = SortKey(
    column=_order.c.placed_at,
    id_column=_order.c.id,
    value=lambda order: order.placed_at,
    id=lambda order: order.id,
    descending=True,
)


async def groups_by_id(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, OrderGroup]:
    found = await session.scalars(select(OrderGroup).where(models.order_group.c.id.in_(ids)))
    return {group.id: group for group in found}


async def orders_by_id(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, Order]:
    return {order.id: order for order in await session.scalars(select(Order).where(_order.c.id.in_(ids)))}


async def orders_by_group(session: AsyncSession, group_ids: Sequence[UUID]) -> Mapping[UUID, list[Order]]:
    found = await session.scalars(
        select(Order).where(_order.c.group_id.in_(group_ids)).order_by(_order.c.seller_id, _order.c.id)
    )
    return _grouped(found.all(), lambda order: order.group_id)


async def lines_by_order(session: AsyncSession, order_ids: Sequence[UUID]) -> Mapping[UUID, list[OrderLine]]:
    t = models.order_line
    found = await session.scalars(select(OrderLine).where(t.c.order_id.in_(order_ids)).order_by(t.c.position))
    return _grouped(found.all(), lambda line: line.order_id)


async def lines_by_id(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, OrderLine]:
    found = await session.scalars(select(OrderLine).where(models.order_line.c.id.in_(ids)))
    return {line.id: line for line in found}


async def shipments_by_order(session: AsyncSession, order_ids: Sequence[UUID]) -> Mapping[UUID, list[Shipment]]:
    t = models.shipment
    found = await session.scalars(select(Shipment).where(t.c.order_id.in_(order_ids)).order_by(t.c.shipped_at, t.c.id))
    return _grouped(found.all(), lambda shipment: shipment.order_id)


async def contents_by_shipment(session: AsyncSession, shipment_ids: Sequence[UUID]) -> Mapping[UUID, list[ShippedLine]]:
    t = models.shipment_line
    rows = await session.execute(
        select(t.c.shipment_id, t.c.line_id, t.c.quantity)
        .where(t.c.shipment_id.in_(shipment_ids))
        .order_by(t.c.line_id)
    )
    return _grouped([ShippedLine(*row) for row in rows], lambda line: line.shipment_id)


async def history_by_order(session: AsyncSession, order_ids: Sequence[UUID]) -> Mapping[UUID, list[Transition]]:
    t = models.state_transition
    rows = await session.execute(_history().where(t.c.order_id.in_(order_ids)))
    steps = [Transition(**row._mapping) for row in rows]  # noqa: SLF001 — SQLAlchemy's public name for it.
    return _grouped(steps, lambda step: step.order_id or step.group_id)


async def history_by_group(session: AsyncSession, group_ids: Sequence[UUID]) -> Mapping[UUID, list[Transition]]:
    """The steps of the groups themselves."""
    t = models.state_transition
    rows = await session.execute(_history().where(t.c.group_id.in_(group_ids), t.c.order_id.is_(None)))
    steps = [Transition(**row._mapping) for row in rows]  # noqa: SLF001 — SQLAlchemy's public name for it.
    return _grouped(steps, lambda step: step.group_id)


def of_buyer(buyer_id: UUID, status: OrderStatus | None = None) -> Select[Order]:
    return _with_status(select(Order).where(_order.c.buyer_id == buyer_id), status)


def of_seller(seller_id: UUID, status: OrderStatus | None = None) -> Select[Order]:
    return _with_status(select(Order).where(_order.c.seller_id == seller_id), status)


async def order_page(session: AsyncSession, statement: Select[Order], request: PageRequest) -> Page[Order]:
    """Newest first."""
    return await fetch_page(session, statement, NEWEST_FIRST, request)


async def count_orders(session: AsyncSession, statement: Select[Order]) -> int:
    return await session.scalar(select(func.count()).select_from(statement.subquery())) or 0


async def order_pages_by_buyer(
    session: AsyncSession, buyer_ids: Sequence[UUID], request: PageRequest
) -> Mapping[UUID, Page[Order]]:
    statement = select(Order).where(_order.c.buyer_id.in_(buyer_ids))
    return await fetch_pages(
        session, statement, NEWEST_FIRST, request, parent=_order.c.buyer_id, parent_of=lambda order: order.buyer_id
    )


async def order_pages_by_seller(
    session: AsyncSession, seller_ids: Sequence[UUID], request: PageRequest
) -> Mapping[UUID, Page[Order]]:
    statement = select(Order).where(_order.c.seller_id.in_(seller_ids))
    return await fetch_pages(
        session, statement, NEWEST_FIRST, request, parent=_order.c.seller_id, parent_of=lambda order: order.seller_id
    )


def _with_status(statement: Select[Order], status: OrderStatus | None) -> Select[Order]:
    return statement if status is None else statement.where(_order.c.status == status)


def _history() -> Select[tuple[object, ...]]:
    t = models.state_transition
    return select(
        t.c.id,
        t.c.group_id,
        t.c.order_id,
        t.c.buyer_id,
        t.c.seller_id,
        t.c.from_status,
        t.c.to_status,
        t.c.cause,
        t.c.actor_id,
        t.c.event_id,
        t.c.at,
    ).order_by(t.c.position)


def _grouped(rows: Sequence[Row], key: Callable[[Row], UUID]) -> Mapping[UUID, list[Row]]:
    found: dict[UUID, list[Row]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return found

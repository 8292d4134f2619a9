"""SQL of what may be paid: groups, orders, items, sellers. Whoever moves money of a group locks its row first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.payments import models
from subgraphs.payments.domain.payable import GroupState, PayableGroup, PayableItem, PayableOrder
from subgraphs.payments.domain.payment import PaymentStatus
from subgraphs.payments.errors import OrderNotFound

_group = models.payable_group
_order = models.payable_order
_item = models.payable_item
_seller = models.payable_seller


async def act_for_platform(session: AsyncSession) -> None:
    """From here on the transaction sees what the platform sees, once the actor's right to the write is settled.

    Ledger, attempts and other parties' rows are closed to buyers and sellers, and yet their writes must move them.
    """
    await session.execute(text("SELECT set_config('app.role', 'all', true)"))


async def announce_group(
    session: AsyncSession, group: PayableGroup, orders: Sequence[PayableOrder], items: Sequence[PayableItem]
) -> None:
    """Fill in what orders announced, once. A tombstone keeps its state, and an order the marks that came before."""
    figures = {"currency": group.currency, "total": group.total, "expires_at": group.expires_at, "announced": True}
    announced = await session.execute(
        insert(_group)
        .values(id=group.id, buyer_id=group.buyer_id, state=group.state, version=group.version, **figures)
        .on_conflict_do_update(
            index_elements=[_group.c.id],
            set_={**figures, "version": func.greatest(_group.c.version, group.version)},
            where=_group.c.announced.is_(False),
        )
        .returning(_group.c.id)
    )
    if announced.first() is None:
        return
    for order in orders:
        await session.execute(
            insert(_order)
            .values(
                id=order.id,
                group_id=order.group_id,
                buyer_id=order.buyer_id,
                seller_id=order.seller_id,
                total=order.total,
            )
            .on_conflict_do_update(index_elements=[_order.c.id], set_={"total": order.total})
        )
    session.add_all(items)
    await session.flush()


async def close_group(session: AsyncSession, group_id: UUID, buyer_id: UUID, state: GroupState, version: int) -> None:
    """End a group, or leave a tombstone where it is not known yet. The first end stays."""
    await session.execute(
        insert(_group)
        .values(id=group_id, buyer_id=buyer_id, announced=False, state=state, version=version)
        .on_conflict_do_update(
            index_elements=[_group.c.id],
            set_={
                "state": case((_group.c.state == GroupState.OPEN, state), else_=_group.c.state),
                "version": func.greatest(_group.c.version, version),
            },
        )
    )


async def mark_order(
    session: AsyncSession,
    order: PayableOrder,
    *,
    delivered_at: datetime | None = None,
    cancelled_at: datetime | None = None,
) -> None:
    """Note what happened to an order, known or not; the first moment stays."""
    await session.execute(
        insert(_order)
        .values(
            id=order.id,
            group_id=order.group_id,
            buyer_id=order.buyer_id,
            seller_id=order.seller_id,
            delivered_at=delivered_at,
            cancelled_at=cancelled_at,
        )
        .on_conflict_do_update(
            index_elements=[_order.c.id],
            set_={
                "delivered_at": func.coalesce(_order.c.delivered_at, delivered_at),
                "cancelled_at": func.coalesce(_order.c.cancelled_at, cancelled_at),
            },
        )
    )


async def approve_seller(session: AsyncSession, seller_id: UUID, version: int, approved_at: datetime) -> None:
    await session.execute(
        insert(_seller)
        .values(id=seller_id, version=version, approved_at=approved_at)
        .on_conflict_do_update(
            index_elements=[_seller.c.id], set_={"version": version}, where=_seller.c.version < version
        )
    )


async def find_group(session: AsyncSession, group_id: UUID) -> PayableGroup | None:
    return await session.scalar(select(PayableGroup).where(_group.c.id == group_id))


async def lock_group(session: AsyncSession, group_id: UUID) -> PayableGroup | None:
    """The group as it is now, locked until the transaction ends: what moves its money stands in line here."""
    statement = select(PayableGroup).where(_group.c.id == group_id).with_for_update()
    return await session.scalar(statement.execution_options(populate_existing=True))


async def get_order(session: AsyncSession, order_id: UUID) -> PayableOrder:
    """Raises OrderNotFound, also where row-level security hides it."""
    statement = select(PayableOrder).where(_order.c.id == order_id).execution_options(populate_existing=True)
    found = await session.scalar(statement)
    if found is None:
        raise OrderNotFound
    return found


async def list_orders(session: AsyncSession, group_id: UUID) -> Sequence[PayableOrder]:
    """As they are now, also where they were read before."""
    statement = select(PayableOrder).where(_order.c.group_id == group_id).order_by(_order.c.id)
    return (await session.scalars(statement.execution_options(populate_existing=True))).all()


async def list_items(session: AsyncSession, order_ids: Sequence[UUID]) -> Sequence[PayableItem]:
    """The items of these orders in a fixed order, as they are now."""
    statement = select(PayableItem).where(_item.c.order_id.in_(order_ids)).order_by(_item.c.order_id, _item.c.position)
    return (await session.scalars(statement.execution_options(populate_existing=True))).all()


async def lock_releasable_order(session: AsyncSession, delivered_before: datetime) -> PayableOrder | None:
    """A paid order that was delivered long enough ago and is not released; its group is locked.

    A group that somebody else works on is passed over: the next run finds it.
    """
    payment = models.payment
    statement = (
        select(PayableOrder)
        .join(_group, _group.c.id == _order.c.group_id)
        .join(payment, payment.c.group_id == _order.c.group_id)
        .where(
            _order.c.released_at.is_(None),
            _order.c.delivered_at <= delivered_before,
            payment.c.status == PaymentStatus.CAPTURED,
        )
        .order_by(_order.c.delivered_at, _order.c.id)
        .limit(1)
        .with_for_update(of=_group, skip_locked=True)
    )
    return await session.scalar(statement.execution_options(populate_existing=True))

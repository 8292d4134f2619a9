"""SQL of groups, orders and what belongs to them: what a unit of work changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.orders import models
from subgraphs.orders.domain.checkout import PlacedOrder, Placement
from subgraphs.orders.domain.group import UNPAID, OrderGroup
from subgraphs.orders.domain.history import Transition
from subgraphs.orders.domain.order import Order, OrderLine, Shipment, ShippedLine
from subgraphs.orders.domain.saga import SagaEvent
from subgraphs.orders.errors import OrderGroupNotFound, OrderNotFound

_group = models.order_group
_order = models.customer_order
_line = models.order_line


async def add_placement(session: AsyncSession, placement: Placement) -> None:
    """Parents first: the classes know no relations, so nothing else would order the inserts."""
    session.add(placement.group)
    await session.flush()
    session.add_all([placed.order for placed in placement.orders])
    await session.flush()
    session.add_all([line for placed in placement.orders for line in placed.lines])
    await session.flush()


async def find_group_for_update(session: AsyncSession, group_id: UUID) -> OrderGroup | None:
    """The group, locked until the transaction ends: whoever changes a group or several of its orders locks it first."""
    return await session.scalar(select(OrderGroup).where(_group.c.id == group_id).with_for_update())


async def get_group_for_update(session: AsyncSession, group_id: UUID) -> OrderGroup:
    """Raises OrderGroupNotFound, also where row-level security hides it."""
    found = await find_group_for_update(session, group_id)
    if found is None:
        raise OrderGroupNotFound
    return found


async def overdue_group_ids(session: AsyncSession, now: datetime, limit: int) -> Sequence[UUID]:
    """Unpaid groups whose deadline has passed, the oldest first."""
    statement = (
        select(_group.c.id)
        .where(_group.c.status.in_(sorted(UNPAID)), _group.c.expires_at <= now)
        .order_by(_group.c.expires_at)
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def find_group_unless_locked(session: AsyncSession, group_id: UUID) -> OrderGroup | None:
    """The group, locked; None where somebody else is at work on it."""
    return await session.scalar(select(OrderGroup).where(_group.c.id == group_id).with_for_update(skip_locked=True))


async def orders_of_group(session: AsyncSession, group_id: UUID) -> list[Order]:
    """The orders by seller, locked in the order of their ids so that two units of work never wait in a circle."""
    statement = select(Order).where(_order.c.group_id == group_id).order_by(_order.c.id).with_for_update()
    return sorted(await session.scalars(statement), key=lambda order: order.seller_id)


async def placed_orders_of_group(session: AsyncSession, group_id: UUID) -> list[PlacedOrder]:
    orders = await orders_of_group(session, group_id)
    statement = select(OrderLine).where(_line.c.order_id.in_([order.id for order in orders])).order_by(_line.c.position)
    lines = list(await session.scalars(statement))
    return [PlacedOrder(order, tuple(line for line in lines if line.order_id == order.id)) for order in orders]


async def get_order_for_update(session: AsyncSession, order_id: UUID) -> Order:
    """Raises OrderNotFound, also where row-level security hides it."""
    found = await session.scalar(select(Order).where(_order.c.id == order_id).with_for_update())
    if found is None:
        raise OrderNotFound
    return found


async def find_order_for_update(session: AsyncSession, order_id: UUID) -> Order | None:
    return await session.scalar(select(Order).where(_order.c.id == order_id).with_for_update())


async def lines_of_order(session: AsyncSession, order_id: UUID) -> list[OrderLine]:
    return list(await session.scalars(select(OrderLine).where(_line.c.order_id == order_id).order_by(_line.c.position)))


async def add_shipment(session: AsyncSession, shipment: Shipment, lines: Sequence[ShippedLine]) -> None:
    session.add(shipment)
    await session.flush()
    await session.execute(insert(models.shipment_line), [asdict(line) for line in lines])


async def record(session: AsyncSession, steps: Iterable[Transition]) -> None:
    """Append to the history. The table refuses an illegal step and a state entered twice."""
    await session.execute(insert(models.state_transition), [asdict(step) for step in steps])


async def park(session: AsyncSession, event: SagaEvent) -> None:
    values: dict[str, Any] = {
        "event_id": event.id,
        "group_id": event.group_id,
        "event_name": event.name,
        "occurred_at": event.occurred_at,
        "payload": dict(event.payload),
    }
    await session.execute(upsert(models.parked_event).values(values).on_conflict_do_nothing())


async def take_parked(session: AsyncSession, group_id: UUID) -> list[SagaEvent]:
    """Everything that waits for the group, removed: whoever takes it applies it or parks it again."""
    t = models.parked_event
    rows = await session.execute(
        delete(t).where(t.c.group_id == group_id).returning(t.c.event_id, t.c.event_name, t.c.occurred_at, t.c.payload)
    )
    return [SagaEvent(row.event_id, group_id, row.event_name, row.occurred_at, row.payload) for row in rows]


async def add_refund(
    session: AsyncSession, refund_id: UUID, *, group_id: UUID, order_id: UUID | None, amount: int, at: datetime
) -> bool:
    """Whether this refund was not known yet."""
    values = {"refund_id": refund_id, "group_id": group_id, "order_id": order_id, "amount": amount, "refunded_at": at}
    statement = (
        upsert(models.refund_fact).values(values).on_conflict_do_nothing().returning(models.refund_fact.c.amount)
    )
    return (await session.execute(statement)).first() is not None


async def add_line_refunds(session: AsyncSession, order_id: UUID, amounts: Mapping[UUID, int]) -> None:
    for line in await lines_of_order(session, order_id):
        line.refunded += amounts.get(line.id, 0)

"""All SQL of inventory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db.keyset import Page, PageRequest, SortKey, fetch_page
from shared.ids import new_id
from subgraphs.inventory import models
from subgraphs.inventory.domain import (
    Availability,
    LineStatus,
    Reservation,
    ReservationLine,
    ReservationStatus,
    Shelved,
    StockItem,
    StockLocation,
    StockMovement,
    VariantOwner,
    VariantStock,
    level_of,
)
from subgraphs.inventory.errors import StockLocationNotFound, VariantNotFound

_stock = models.variant_stock
_item = models.stock_item
_location = models.stock_location
_movement = models.stock_movement
_reservation = models.reservation

LOCATIONS: SortKey[StockLocation] = SortKey(
    _location.c.created_at, _location.c.id, value=lambda row: row.created_at, id=lambda row: row.id
)
ITEMS: SortKey[StockItem] = SortKey(
    _item.c.created_at, _item.c.id, value=lambda row: row.created_at, id=lambda row: row.id
)
MOVEMENTS: SortKey[StockMovement] = SortKey(
    _movement.c.created_at,
    _movement.c.id,
    value=lambda row: row.created_at,
    id=lambda row: row.id,
    descending=True,
)


async def keep_variant_owner(session: AsyncSession, owner: VariantOwner) -> None:
    """The newest known owner of a variant, and its stock row, empty at first."""
    t = models.variant_owner
    values = {
        "variant_id": owner.variant_id,
        "product_id": owner.product_id,
        "seller_id": owner.seller_id,
        "version": owner.version,
    }
    await session.execute(
        insert(t)
        .values(values)
        .on_conflict_do_update(index_elements=[t.c.variant_id], set_=values, where=t.c.version < owner.version)
    )
    await session.execute(insert(_stock).values({**values, "version": 1}).on_conflict_do_nothing())


async def get_variant_of(session: AsyncSession, variant_id: UUID, seller_id: UUID) -> VariantOwner:
    """Raises VariantNotFound, also where it is another seller's."""
    t = models.variant_owner
    statement = select(t.c.variant_id, t.c.product_id, t.c.seller_id, t.c.version)
    row = (await session.execute(statement.where(t.c.variant_id == variant_id, t.c.seller_id == seller_id))).first()
    if row is None:
        raise VariantNotFound
    return VariantOwner(row.variant_id, row.product_id, row.seller_id, row.version)


async def lock_stocks(session: AsyncSession, variant_ids: Sequence[UUID]) -> dict[UUID, VariantStock]:
    """The stock rows, locked in the order of their ids: everybody locks in this order."""
    statement = select(VariantStock).where(_stock.c.variant_id.in_(variant_ids)).order_by(_stock.c.variant_id)
    found = await session.scalars(statement.with_for_update().execution_options(populate_existing=True))
    return {stock.variant_id: stock for stock in found}


async def lock_items(session: AsyncSession, variant_ids: Sequence[UUID]) -> list[StockItem]:
    """All items of these variants in a fixed order; their variants are locked already."""
    statement = select(StockItem).where(_item.c.variant_id.in_(variant_ids)).order_by(_item.c.variant_id, _item.c.id)
    return list(await session.scalars(statement.with_for_update().execution_options(populate_existing=True)))


async def get_location(session: AsyncSession, location_id: UUID, seller_id: UUID) -> StockLocation:
    """Raises StockLocationNotFound."""
    statement = select(StockLocation).where(_location.c.id == location_id, _location.c.seller_id == seller_id)
    found = await session.scalar(statement)
    if found is None:
        raise StockLocationNotFound
    return found


async def find_location_named(session: AsyncSession, name: str, seller_id: UUID) -> StockLocation | None:
    statement = select(StockLocation).where(_location.c.name == name, _location.c.seller_id == seller_id)
    return await session.scalar(statement)


async def claim_reservation(
    session: AsyncSession, order_group_id: UUID, status: ReservationStatus, now: datetime
) -> tuple[Reservation, bool]:
    """The group's reservation, locked, and whether it was made just now with `status`.

    Of two workers that come at once for one group the second waits here for the first one's commit.
    """
    values = {"order_group_id": order_group_id, "id": new_id(), "status": status, "version": 1, "created_at": now}
    made = insert(_reservation).values(values).on_conflict_do_nothing().returning(_reservation.c.id)
    fresh = (await session.execute(made)).first() is not None
    statement = select(Reservation).where(_reservation.c.order_group_id == order_group_id)
    return (await session.scalars(statement.with_for_update())).one(), fresh


async def find_reservation(session: AsyncSession, order_group_id: UUID) -> Reservation | None:
    """The group's reservation, locked."""
    statement = select(Reservation).where(_reservation.c.order_group_id == order_group_id)
    return await session.scalar(statement.with_for_update())


async def lines_of(session: AsyncSession, order_group_id: UUID) -> list[ReservationLine]:
    t = models.reservation_line
    statement = select(ReservationLine).where(t.c.order_group_id == order_group_id)
    return list(await session.scalars(statement.order_by(t.c.variant_id, t.c.id)))


async def note_cancelled_lines(session: AsyncSession, order_group_id: UUID, line_ids: Sequence[UUID]) -> None:
    if not line_ids:
        return
    values = [{"line_id": line_id, "order_group_id": order_group_id} for line_id in line_ids]
    await session.execute(insert(models.cancelled_line).values(values).on_conflict_do_nothing())


async def cancelled_lines_of(session: AsyncSession, order_group_id: UUID) -> frozenset[UUID]:
    t = models.cancelled_line
    return frozenset(await session.scalars(select(t.c.line_id).where(t.c.order_group_id == order_group_id)))


async def count_orphans(session: AsyncSession, overdue_since: datetime) -> int:
    """Reservations that hold stock though their deadline was over before `overdue_since`."""
    t = _reservation
    statement = select(func.count()).where(t.c.status == ReservationStatus.HELD, t.c.expires_at < overdue_since)
    return await session.scalar(statement) or 0


async def count_wrong_availability(session: AsyncSession) -> int:
    """Variants whose public figure is not what is on hand less what is reserved."""
    free = (
        select(_item.c.variant_id, func.sum(_item.c.on_hand - _item.c.reserved).label("free"))
        .group_by(_item.c.variant_id)
        .subquery()
    )
    joined = select(func.count()).select_from(_stock.join(free, free.c.variant_id == _stock.c.variant_id))
    return await session.scalar(joined.where(_stock.c.available != free.c.free)) or 0


async def count_wrong_reservations(session: AsyncSession) -> int:
    """Shelves on which more or less is reserved than living reservations hold."""
    line = models.reservation_line
    held = (
        select(line.c.stock_item_id, func.sum(line.c.quantity).label("held"))
        .where(line.c.status == LineStatus.HELD)
        .group_by(line.c.stock_item_id)
        .subquery()
    )
    joined = select(func.count()).select_from(_item.outerjoin(held, held.c.stock_item_id == _item.c.id))
    return await session.scalar(joined.where(_item.c.reserved != func.coalesce(held.c.held, 0))) or 0


async def set_threshold(session: AsyncSession, variant_id: UUID, threshold: int) -> None:
    await session.execute(update(_stock).where(_stock.c.variant_id == variant_id).values(low_threshold=threshold))


async def availability_by_variant(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, Availability]:
    statement = select(_stock.c.variant_id, _stock.c.available, _stock.c.low_threshold)
    rows = await session.execute(statement.where(_stock.c.variant_id.in_(ids)))
    return {id_: Availability(available, level_of(available, threshold)) for id_, available, threshold in rows}


async def availability_by_product(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, Availability]:
    """Over all variants of each product; it is low where every variant that is left is low."""
    statement = (
        select(
            _stock.c.product_id,
            func.sum(_stock.c.available),
            func.max(_stock.c.available - _stock.c.low_threshold),
        )
        .where(_stock.c.product_id.in_(ids))
        .group_by(_stock.c.product_id)
    )
    rows = await session.execute(statement)
    return {
        id_: Availability(int(available), level_of(int(available), 0 if spare > 0 else int(available)))
        for id_, available, spare in rows
    }


async def shelved_by_variant(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, Shelved]:
    """What lies and is held, over all locations."""
    statement = select(_item.c.variant_id, func.sum(_item.c.on_hand), func.sum(_item.c.reserved))
    rows = await session.execute(statement.where(_item.c.variant_id.in_(ids)).group_by(_item.c.variant_id))
    return {id_: Shelved(int(on_hand), int(reserved)) for id_, on_hand, reserved in rows}


async def locations_by_id(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, StockLocation]:
    found = await session.scalars(select(StockLocation).where(_location.c.id.in_(ids)))
    return {location.id: location for location in found}


async def items_by_place(
    session: AsyncSession, keys: Sequence[tuple[UUID, UUID]]
) -> Mapping[tuple[UUID, UUID], StockItem]:
    """By (location, variant)."""
    locations = [location_id for location_id, _ in keys]
    variants = [variant_id for _, variant_id in keys]
    statement = select(StockItem).where(_item.c.location_id.in_(locations), _item.c.variant_id.in_(variants))
    return {(item.location_id, item.variant_id): item for item in await session.scalars(statement)}


async def location_page(session: AsyncSession, seller_id: UUID, request: PageRequest) -> Page[StockLocation]:
    return await fetch_page(session, _locations(seller_id), LOCATIONS, request)


async def item_page(
    session: AsyncSession, seller_id: UUID, variant_id: UUID | None, request: PageRequest
) -> Page[StockItem]:
    return await fetch_page(session, _items(seller_id, variant_id), ITEMS, request)


async def movement_page(
    session: AsyncSession, seller_id: UUID, variant_id: UUID | None, request: PageRequest
) -> Page[StockMovement]:
    return await fetch_page(session, _movements(seller_id, variant_id), MOVEMENTS, request)


async def count_locations(session: AsyncSession, seller_id: UUID) -> int:
    return await _count(session, _locations(seller_id))


async def count_items(session: AsyncSession, seller_id: UUID, variant_id: UUID | None) -> int:
    return await _count(session, _items(seller_id, variant_id))


async def count_movements(session: AsyncSession, seller_id: UUID, variant_id: UUID | None) -> int:
    return await _count(session, _movements(seller_id, variant_id))


def _locations(seller_id: UUID) -> Select[StockLocation]:
    return select(StockLocation).where(_location.c.seller_id == seller_id)


def _items(seller_id: UUID, variant_id: UUID | None) -> Select[StockItem]:
    statement = select(StockItem).where(_item.c.seller_id == seller_id)
    return statement.where(_item.c.variant_id == variant_id) if variant_id else statement


def _movements(seller_id: UUID, variant_id: UUID | None) -> Select[StockMovement]:
    statement = select(StockMovement).where(_movement.c.seller_id == seller_id)
    return statement.where(_movement.c.variant_id == variant_id) if variant_id else statement


async def _count(
    session: AsyncSession, statement: Select[StockLocation] | Select[StockItem] | Select[StockMovement]
) -> int:
    return await session.scalar(select(func.count()).select_from(statement.subquery())) or 0

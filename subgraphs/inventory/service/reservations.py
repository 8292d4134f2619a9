"""The inventory's part of the checkout saga: hold all or nothing, take when paid, give back when dead.

Events may come twice (the inbox sees to that), late or early: a cancel or a payment that overtakes its checkout leaves
a trace that the checkout finds. Inventory never releases by its own clock.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from shared.clock import Clock
from shared.db.database import Database, UnitOfWork
from shared.db.scope import Scope
from shared.ids import new_id
from shared.messaging.contract import ReceivedEvent
from shared.messaging.notes import LiveNotes
from shared.messaging.outbox import Outbox
from shared.telemetry.metrics import ORPHANED_RESERVATIONS
from subgraphs.inventory import events, repository
from subgraphs.inventory.domain import (
    LineStatus,
    MovementKind,
    OrderedLine,
    Reservation,
    ReservationLine,
    ReservationStatus,
    Shelf,
    Shortage,
    demand,
)
from subgraphs.inventory.service.stock_book import StockBook

log = logging.getLogger(__name__)
ORPHAN_AFTER = timedelta(minutes=10)


class ReservationService:
    def __init__(self, outbox: Outbox, clock: Clock, notes: LiveNotes) -> None:
        self._outbox = outbox
        self._clock = clock
        self._notes = notes

    async def on_order_created(self, uow: UnitOfWork, event: ReceivedEvent) -> None:
        """Hold every line until the checkout's deadline, or none and say what is short."""
        group_id = UUID(event.payload["order_group_id"])
        reservation, fresh = await self._claim(uow, group_id, ReservationStatus.HELD)
        paid_early = reservation.status is ReservationStatus.PAID_EARLY
        if not fresh and not paid_early:
            return
        lines = [_ordered(line) for order in event.payload["orders"] for line in order["lines"]]
        book = StockBook(uow, self._clock)
        await book.open(list(demand(lines)))
        shortages = _shortages(book, lines)
        if shortages:
            reservation.status = ReservationStatus.FAILED
            await self._outbox.append(uow, events.reservation_failed(reservation, shortages))
            return
        expires_at = datetime.fromisoformat(event.payload["expires_at"])
        reservation.expires_at = expires_at
        held = self._hold(uow, book, reservation, lines)
        if paid_early:
            reservation.move_to(ReservationStatus.HELD)
        await self._outbox.append(uow, events.reserved(reservation, lines, expires_at=expires_at))
        if paid_early:
            await self._commit(uow, book, reservation, held)
            await self._give_back_cancelled(uow, book, reservation, held)
        await book.close(self._outbox, self._notes)

    async def on_order_paid(self, uow: UnitOfWork, event: ReceivedEvent) -> None:
        """Take what was held."""
        group_id = UUID(event.payload["order_group_id"])
        reservation, fresh = await self._claim(uow, group_id, ReservationStatus.PAID_EARLY)
        if fresh:
            return
        if reservation.status is not ReservationStatus.HELD:
            log.error("paid without a reservation", extra={"group": str(group_id), "status": reservation.status})
            return
        book, lines = await self._open(uow, group_id)
        await self._commit(uow, book, reservation, lines)
        await self._give_back_cancelled(uow, book, reservation, lines)
        await book.close(self._outbox, self._notes)

    async def on_order_cancelled(self, uow: UnitOfWork, event: ReceivedEvent) -> None:
        """Before payment the whole group gives back what it holds; after it one order's lines are restocked."""
        group_id = UUID(event.payload["order_group_id"])
        if not event.payload["paid"]:
            await self._release(uow, group_id)
            return
        line_ids = [UUID(line["line_id"]) for line in event.payload["lines"]]
        await repository.note_cancelled_lines(uow.session, group_id, line_ids)
        reservation = await repository.find_reservation(uow.session, group_id)
        if reservation is None or reservation.status not in {ReservationStatus.HELD, ReservationStatus.COMMITTED}:
            return
        book, lines = await self._open(uow, group_id)
        order_id = UUID(event.payload["order_id"]) if event.payload["order_id"] else None
        given = [line for line in lines if line.line_id in line_ids]
        await self._give_back(uow, book, reservation, given, order_id=order_id)
        await book.close(self._outbox, self._notes)

    async def on_order_expired(self, uow: UnitOfWork, event: ReceivedEvent) -> None:
        await self._release(uow, UUID(event.payload["order_group_id"]))

    async def _release(self, uow: UnitOfWork, group_id: UUID) -> None:
        reservation, fresh = await self._claim(uow, group_id, ReservationStatus.RELEASED)
        if fresh:
            return
        match reservation.status:
            case ReservationStatus.PAID_EARLY:
                reservation.move_to(ReservationStatus.RELEASED)
            case ReservationStatus.HELD:
                book, lines = await self._open(uow, group_id)
                reservation.status = ReservationStatus.RELEASED
                await self._give_back(uow, book, reservation, lines)
                await book.close(self._outbox, self._notes)
            case ReservationStatus.COMMITTED:
                log.error("a taken checkout was given up", extra={"group": str(group_id)})
            case ReservationStatus.RELEASED | ReservationStatus.FAILED:
                pass

    def _hold(
        self, uow: UnitOfWork, book: StockBook, reservation: Reservation, lines: Sequence[OrderedLine]
    ) -> list[ReservationLine]:
        held = []
        shelves = {v: Shelf({i.id: i.free for i in book.items.values() if i.variant_id == v}) for v in book.stocks}
        for line in sorted(lines, key=lambda line: (line.variant_id, line.line_id)):
            for item_id, quantity in shelves[line.variant_id].take(line.quantity):
                book.move(
                    book.items[item_id],
                    MovementKind.RESERVED,
                    quantity,
                    order_group_id=reservation.order_group_id,
                )
                held.append(
                    ReservationLine(
                        id=new_id(),
                        order_group_id=reservation.order_group_id,
                        line_id=line.line_id,
                        variant_id=line.variant_id,
                        stock_item_id=item_id,
                        quantity=quantity,
                        status=LineStatus.HELD,
                    )
                )
        uow.session.add_all(held)
        return held

    async def _commit(
        self, uow: UnitOfWork, book: StockBook, reservation: Reservation, lines: Sequence[ReservationLine]
    ) -> None:
        for line in lines:
            if line.status is LineStatus.HELD:
                item = book.items[line.stock_item_id]
                book.move(item, MovementKind.COMMITTED, line.quantity, order_group_id=reservation.order_group_id)
                line.status = LineStatus.COMMITTED
        reservation.move_to(ReservationStatus.COMMITTED)
        await self._outbox.append(uow, events.committed(reservation))

    async def _give_back_cancelled(
        self, uow: UnitOfWork, book: StockBook, reservation: Reservation, lines: Sequence[ReservationLine]
    ) -> None:
        """Lines whose order's cancellation came before there was anything to give back."""
        cancelled = await repository.cancelled_lines_of(uow.session, reservation.order_group_id)
        await self._give_back(uow, book, reservation, [line for line in lines if line.line_id in cancelled])

    async def _give_back(
        self,
        uow: UnitOfWork,
        book: StockBook,
        reservation: Reservation,
        lines: Sequence[ReservationLine],
        *,
        order_id: UUID | None = None,
    ) -> None:
        given = [line for line in lines if line.status is not LineStatus.RELEASED]
        if not given:
            return
        for line in given:
            kind = MovementKind.RELEASED if line.status is LineStatus.HELD else MovementKind.RESTOCKED
            item = book.items[line.stock_item_id]
            book.move(item, kind, line.quantity, order_group_id=reservation.order_group_id)
            line.status = LineStatus.RELEASED
        reservation.version += 1
        await self._outbox.append(uow, events.released(reservation, given, order_id=order_id))

    async def _open(self, uow: UnitOfWork, group_id: UUID) -> tuple[StockBook, list[ReservationLine]]:
        lines = await repository.lines_of(uow.session, group_id)
        book = StockBook(uow, self._clock)
        await book.open(sorted({line.variant_id for line in lines}))
        return book, lines

    async def _claim(self, uow: UnitOfWork, group_id: UUID, status: ReservationStatus) -> tuple[Reservation, bool]:
        return await repository.claim_reservation(uow.session, group_id, status, self._clock())


async def report_orphans(database: Database, clock: Clock) -> None:
    """Count reservations that hold stock long after their deadline: orders should have ended them. Nothing is released."""
    async with database.read(Scope.ALL) as session:
        orphans = await repository.count_orphans(session, clock() - ORPHAN_AFTER)
    ORPHANED_RESERVATIONS.set(orphans)
    if orphans:
        log.error("reservations outlived their deadline", extra={"count": orphans})


def _shortages(book: StockBook, lines: Sequence[OrderedLine]) -> list[Shortage]:
    short = []
    for variant_id, quantity in demand(lines).items():
        stock = book.stocks.get(variant_id)
        available = stock.available if stock else 0
        if available < quantity:
            short.append(Shortage(variant_id, quantity, available))
    return short


def _ordered(line: dict[str, str]) -> OrderedLine:
    return OrderedLine(UUID(line["line_id"]), UUID(line["variant_id"]), int(line["quantity"]))

"""What sellers do with their stock. Each use case works inside the one transaction it is given and never commits."""

from __future__ import annotations

from uuid import UUID

from shared.auth.actor import Actor
from shared.clock import Clock
from shared.db.database import UnitOfWork
from shared.db.idempotency import Outcome
from shared.ids import new_id
from shared.messaging.notes import LiveNotes
from shared.messaging.outbox import Outbox
from subgraphs.inventory import repository
from subgraphs.inventory.domain import (
    AdjustStock,
    CreateStockLocation,
    MovementKind,
    ReceiveStock,
    SetLowStockThreshold,
    StockItem,
    StockLocation,
)
from subgraphs.inventory.errors import InsufficientStock, StockLocationNameTaken
from subgraphs.inventory.service.stock_book import StockBook, stock_note


class StockService:
    def __init__(self, outbox: Outbox, clock: Clock, notes: LiveNotes) -> None:
        self._outbox = outbox
        self._clock = clock
        self._notes = notes

    async def create_stock_location(self, uow: UnitOfWork, actor: Actor, command: CreateStockLocation) -> Outcome:
        """Raises StockLocationNameTaken."""
        seller_id = actor.require_seller()
        if await repository.find_location_named(uow.session, command.name, seller_id):
            raise StockLocationNameTaken
        location = StockLocation(
            id=new_id(), seller_id=seller_id, name=command.name, version=1, created_at=self._clock()
        )
        uow.session.add(location)
        return Outcome.of(stock_location=location.id)

    async def receive_stock(self, uow: UnitOfWork, actor: Actor, command: ReceiveStock) -> Outcome:
        """Units arrived at a location. Raises VariantNotFound, StockLocationNotFound."""
        book, item = await self._open(uow, actor, command.location_id, command.variant_id)
        book.move(item, MovementKind.RECEIVED, command.quantity, actor_id=actor.user_id)
        await book.close(self._outbox, self._notes)
        return Outcome.of(location=item.location_id, variant=item.variant_id)

    async def adjust_stock(self, uow: UnitOfWork, actor: Actor, command: AdjustStock) -> Outcome:
        """A count differed. Raises VariantNotFound, StockLocationNotFound, InsufficientStock below what is reserved."""
        book, item = await self._open(uow, actor, command.location_id, command.variant_id)
        if item.free + command.delta < 0:
            raise InsufficientStock(item.free)
        book.move(item, MovementKind.ADJUSTED, command.delta, actor_id=actor.user_id, reason=command.reason)
        await book.close(self._outbox, self._notes)
        return Outcome.of(location=item.location_id, variant=item.variant_id)

    async def set_low_stock_threshold(self, uow: UnitOfWork, actor: Actor, command: SetLowStockThreshold) -> Outcome:
        """Raises VariantNotFound."""
        await repository.get_variant_of(uow.session, command.variant_id, actor.require_seller())
        await repository.set_threshold(uow.session, command.variant_id, command.threshold)
        self._notes.tell(uow, [stock_note(command.variant_id)])
        return Outcome.of(variant=command.variant_id)

    async def _open(
        self, uow: UnitOfWork, actor: Actor, location_id: UUID, variant_id: UUID
    ) -> tuple[StockBook, StockItem]:
        """The item of this variant at this location, made empty where there was none, its variant locked."""
        seller_id = actor.require_seller()
        await repository.get_variant_of(uow.session, variant_id, seller_id)
        await repository.get_location(uow.session, location_id, seller_id)
        book = StockBook(uow, self._clock)
        await book.open([variant_id])
        for item in book.items.values():
            if item.location_id == location_id:
                return book, item
        item = StockItem(
            id=new_id(),
            location_id=location_id,
            variant_id=variant_id,
            seller_id=seller_id,
            on_hand=0,
            reserved=0,
            created_at=self._clock(),
        )
        book.add_item(item)
        return book, item

"""The one way in which units move: item, movement and public figure change together, and what changed is told once."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from shared.clock import Clock
from shared.db.database import UnitOfWork
from shared.ids import new_id
from shared.messaging.notes import LiveNotes, Note
from shared.messaging.outbox import Outbox
from subgraphs.inventory import events, repository
from subgraphs.inventory.domain import MovementKind, StockItem, StockMovement, VariantStock

STOCK_CHANGED = "stock_changed"
"""Watched by variant."""


def stock_note(variant_id: UUID) -> Note:
    """What may be promised of the variant, or how low that counts, has changed."""
    return Note(STOCK_CHANGED, variant_id, variant_id)


class StockBook:
    """For one unit of work: lock the variants, move units, then close."""

    def __init__(self, uow: UnitOfWork, clock: Clock) -> None:
        self._uow = uow
        self._clock = clock
        self._crossed_threshold: set[UUID] = set()
        self._touched: set[UUID] = set()
        self.stocks: dict[UUID, VariantStock] = {}
        self.items: dict[UUID, StockItem] = {}

    async def open(self, variant_ids: Sequence[UUID]) -> None:
        """Lock these variants and their items, in the order that everybody locks in."""
        self.stocks = await repository.lock_stocks(self._uow.session, variant_ids)
        self.items = {item.id: item for item in await repository.lock_items(self._uow.session, variant_ids)}

    def add_item(self, item: StockItem) -> None:
        self._uow.session.add(item)
        self.items[item.id] = item

    def move(
        self,
        item: StockItem,
        kind: MovementKind,
        quantity: int,
        *,
        order_group_id: UUID | None = None,
        actor_id: UUID | None = None,
        reason: str = "",
    ) -> None:
        free_before = item.free
        item.apply(kind, quantity)
        stock = self.stocks[item.variant_id]
        if item.free != free_before:
            self._touched.add(item.variant_id)
            if stock.change(item.free - free_before):
                self._crossed_threshold.add(item.variant_id)
        self._uow.session.add(
            StockMovement(
                id=new_id(),
                stock_item_id=item.id,
                variant_id=item.variant_id,
                seller_id=item.seller_id,
                kind=kind,
                quantity=quantity,
                on_hand_after=item.on_hand,
                reserved_after=item.reserved,
                order_group_id=order_group_id,
                actor_id=actor_id,
                reason=reason,
                created_at=self._clock(),
            )
        )

    async def close(self, outbox: Outbox, notes: LiveNotes) -> None:
        """Tell each variant whose availability changed, once, and each that fell to its threshold."""
        for variant_id in sorted(self._touched):
            stock = self.stocks[variant_id]
            await outbox.append(self._uow, events.stock_changed(stock))
            if variant_id in self._crossed_threshold and stock.available <= stock.low_threshold:
                await outbox.append(self._uow, events.low(stock))
        notes.tell(self._uow, map(stock_note, sorted(self._touched)))

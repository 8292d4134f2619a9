"""Local copies of foreign facts: who may sell, what is in stock, what buyers think.

Events come twice and in any order: the version that each carries decides, and the newest known fact stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from shared.db.database import UnitOfWork
from shared.messaging.contract import ReceivedEvent
from subgraphs.catalog.adapters.product_cache import ProductCache
from subgraphs.catalog.repository import facts


class Projections:
    def __init__(self, cache: ProductCache) -> None:
        self._cache = cache

    async def on_seller_may_sell(self, uow: UnitOfWork, event: ReceivedEvent) -> None:
        """seller.approved, seller.reinstated: its published products are found again."""
        await self._keep_seller(uow, event, active=True)

    async def on_seller_suspended(self, uow: UnitOfWork, event: ReceivedEvent) -> None:
        """Its products leave lists and searches; what points at them still reads them."""
        await self._keep_seller(uow, event, active=False)

    async def on_stock_changed(self, uow: UnitOfWork, event: ReceivedEvent) -> None:
        stock = event.payload
        changed = await facts.keep_stock(
            uow.session,
            UUID(stock["variant_id"]),
            UUID(stock["product_id"]),
            available=stock["available"],
            version=stock["version"],
        )
        self._drop(uow, changed)

    async def on_review_published(self, uow: UnitOfWork, event: ReceivedEvent) -> None:
        rating = event.payload["product_rating"]
        changed = await facts.keep_rating(
            uow.session,
            UUID(event.payload["product_id"]),
            count=rating["count"],
            total=rating["sum"],
            version=rating["version"],
        )
        self._drop(uow, changed)

    async def _keep_seller(self, uow: UnitOfWork, event: ReceivedEvent, *, active: bool) -> None:
        seller = event.payload
        changed = await facts.keep_seller(
            uow.session, UUID(seller["seller_id"]), active=active, version=seller["version"]
        )
        self._drop(uow, changed)

    def _drop(self, uow: UnitOfWork, changed: Sequence[UUID]) -> None:
        if changed:
            uow.after_commit.append(self._cache.dropping(*changed))

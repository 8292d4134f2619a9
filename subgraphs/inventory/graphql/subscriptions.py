"""Live updates of what may be promised to buyers: public, as availability is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import strawberry

from shared.commands import validate
from subgraphs.inventory.domain import MAX_WATCHED_VARIANTS, WatchStock
from subgraphs.inventory.graphql.context import Info
from subgraphs.inventory.graphql.types import Variant
from subgraphs.inventory.service.stock_book import STOCK_CHANGED


@strawberry.type
class Subscription:
    @strawberry.subscription(
        description="One of these variants each time its availability has changed. Several changes in a row may be told"
        " as one: what comes is always the present figure. Read them once more after each new connection."
    )
    async def stock_changed(
        self,
        info: Info,
        variant_ids: Annotated[
            list[strawberry.ID], strawberry.argument(description=f"From 1 to {MAX_WATCHED_VARIANTS} variants.")
        ],
    ) -> AsyncIterator[Variant]:
        wanted = frozenset(validate(WatchStock, {"variant_ids": variant_ids}).variant_ids)
        return await info.context.hub.watch(STOCK_CHANGED, wanted, _changed, watched=wanted)


async def _changed(variant_id: UUID) -> Variant:
    """A reference: its availability is read where the event is executed."""
    return Variant(id=strawberry.ID(str(variant_id)))

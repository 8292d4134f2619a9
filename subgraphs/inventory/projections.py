"""Local copies of foreign facts: who owns which variant."""

from __future__ import annotations

from uuid import UUID

from shared.db.database import UnitOfWork
from shared.messaging.contract import ReceivedEvent
from subgraphs.inventory import repository
from subgraphs.inventory.domain import VariantOwner


async def on_variant_created(uow: UnitOfWork, event: ReceivedEvent) -> None:
    fact = event.payload
    await repository.keep_variant_owner(
        uow.session,
        VariantOwner(
            variant_id=UUID(fact["variant_id"]),
            product_id=UUID(fact["product_id"]),
            seller_id=UUID(fact["seller_id"]),
            version=fact["version"],
        ),
    )

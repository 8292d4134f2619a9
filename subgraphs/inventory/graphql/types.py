"""The types that inventory adds to the graph: stock for sellers, availability for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from shared.auth.actor import STOCK_READ
from shared.graphql.access import READS_STOCK
from shared.graphql.caching import STOCK
from shared.graphql.types import Node, UserError
from subgraphs.inventory import domain
from subgraphs.inventory.errors import InventoryErrorCode
from subgraphs.inventory.graphql.context import Info

strawberry.enum(domain.StockLevel, description="How much is left, in a word.")
strawberry.enum(domain.MovementKind, name="StockMovementKind", description="What happened to units of a variant.")
strawberry.enum(InventoryErrorCode, name="ErrorCode", description="Why a mutation was refused.")


@strawberry.type(description="What may be promised to a buyer right now.")
class Availability:
    available: int = strawberry.field(description="Units that are neither sold nor reserved.")
    in_stock: bool = strawberry.field(description="Whether there is at least one.")
    level: domain.StockLevel = strawberry.field(description="How much is left, in a word.")

    @classmethod
    def of(cls, value: domain.Availability | None) -> Availability:
        known = value or domain.OUT_OF_STOCK
        return cls(available=known.available, in_stock=known.available > 0, level=known.level)


@strawberry.type(description="What lies of a variant, over all locations.")
class VariantStock:
    on_hand: int = strawberry.field(description="Units that lie there.")
    reserved: int = strawberry.field(description="Units of them that checkouts hold.")
    available: int = strawberry.field(description="On hand less reserved.")


@strawberry.federation.type(keys=["id"], description="A sellable unit of a product.")
class Variant:
    id: strawberry.ID = strawberry.field(description="UUID v4.")

    @strawberry.field(directives=[STOCK], description="How many can be bought now, over all locations.")
    async def availability(self, info: Info) -> Availability:
        return Availability.of(await info.context.availability_by_variant.load(UUID(self.id)))

    @strawberry.field(
        directives=[READS_STOCK],
        description="What lies of it, for programs that plan with it (scope stock:read); null if nothing ever did.",
    )
    async def stock(self, info: Info) -> VariantStock | None:
        info.context.actor.require_scope(STOCK_READ)
        found = await info.context.shelved_by_variant.load(UUID(self.id))
        if found is None:
            return None
        return VariantStock(on_hand=found.on_hand, reserved=found.reserved, available=found.free)


@strawberry.federation.type(keys=["id"], description="Something that is sold.")
class Product:
    id: strawberry.ID = strawberry.field(description="UUID v4.")

    @strawberry.field(directives=[STOCK], description="How many can be bought now, over all variants.")
    async def availability(self, info: Info) -> Availability:
        return Availability.of(await info.context.availability_by_product.load(UUID(self.id)))


@strawberry.federation.type(keys=["id"], description="A place where a seller keeps stock.")
class StockLocation(Node):
    name: str = strawberry.field(description="The seller's name for it.")
    created_at: datetime = strawberry.field(description="When it was opened.")

    @classmethod
    def of(cls, location: domain.StockLocation) -> StockLocation:
        return cls(id=strawberry.ID(str(location.id)), name=location.name, created_at=location.created_at)

    @classmethod
    async def resolve_references(cls, info: Info, references: list[dict[str, Any]]) -> Sequence[StockLocation | None]:
        found = await info.context.location_by_id.load_many([UUID(reference["id"]) for reference in references])
        return [cls.of(location) if location else None for location in found]


@strawberry.type(description="One variant at one location.")
class StockItem(Node):
    on_hand: int = strawberry.field(description="Units that lie there.")
    reserved: int = strawberry.field(description="Units of them that checkouts hold.")
    available: int = strawberry.field(description="On hand less reserved.")
    variant: Variant = strawberry.field(description="What lies there.")
    location_id: strawberry.Private[UUID]

    @strawberry.field(description="Where it lies.")
    async def location(self, info: Info) -> StockLocation | None:
        found = await info.context.location_by_id.load(self.location_id)
        return StockLocation.of(found) if found else None

    @classmethod
    def of(cls, item: domain.StockItem) -> StockItem:
        return cls(
            id=strawberry.ID(str(item.id)),
            on_hand=item.on_hand,
            reserved=item.reserved,
            available=item.free,
            variant=Variant(id=strawberry.ID(str(item.variant_id))),
            location_id=item.location_id,
        )


@strawberry.type(description="What happened to units of a variant at a location; kept for ever.")
class StockMovement(Node):
    kind: domain.MovementKind = strawberry.field(description="What happened.")
    quantity: int = strawberry.field(description="How many units; negative only for an adjustment downwards.")
    on_hand_after: int = strawberry.field(description="Units that lay there afterwards.")
    reserved_after: int = strawberry.field(description="Units held afterwards.")
    reason: str = strawberry.field(description="Why, for an adjustment.")
    created_at: datetime = strawberry.field(description="When.")
    variant: Variant = strawberry.field(description="Of what.")

    @classmethod
    def of(cls, movement: domain.StockMovement) -> StockMovement:
        return cls(
            id=strawberry.ID(str(movement.id)),
            kind=movement.kind,
            quantity=movement.quantity,
            on_hand_after=movement.on_hand_after,
            reserved_after=movement.reserved_after,
            reason=movement.reason,
            created_at=movement.created_at,
            variant=Variant(id=strawberry.ID(str(movement.variant_id))),
        )


@strawberry.type(description="What a mutation of a stock location answers.")
class StockLocationPayload:
    stock_location: StockLocation | None = strawberry.field(description="The location after the change.")
    user_errors: list[UserError[InventoryErrorCode]] = strawberry.field(description="Why it was refused; empty if not.")


@strawberry.type(description="What a mutation of stock answers.")
class StockItemPayload:
    stock_item: StockItem | None = strawberry.field(description="The stock after the change.")
    user_errors: list[UserError[InventoryErrorCode]] = strawberry.field(description="Why it was refused; empty if not.")


@strawberry.type(description="What a mutation of a variant's stock settings answers.")
class VariantStockPayload:
    variant: Variant | None = strawberry.field(description="The variant after the change.")
    user_errors: list[UserError[InventoryErrorCode]] = strawberry.field(description="Why it was refused; empty if not.")

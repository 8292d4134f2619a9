"""Writes of inventory."""

from __future__ import annotations

from uuid import UUID

import strawberry

from shared.db.idempotency import Outcome
from shared.graphql.types import user_errors
from subgraphs.inventory.errors import InventoryErrorCode
from subgraphs.inventory.graphql.context import Info
from subgraphs.inventory.graphql.inputs import (
    AdjustStockInput,
    CreateStockLocationInput,
    ReceiveStockInput,
    SetLowStockThresholdInput,
)
from subgraphs.inventory.graphql.types import (
    StockItem,
    StockItemPayload,
    StockLocation,
    StockLocationPayload,
    Variant,
    VariantStockPayload,
)


@strawberry.type
class Mutation:
    @strawberry.mutation(description="Open a place to keep stock (seller).")
    async def create_stock_location(self, info: Info, input: CreateStockLocationInput) -> StockLocationPayload:
        context = info.context
        outcome = await context.write("createStockLocation", input, context.service.create_stock_location)
        location_id = outcome.ids.get("stock_location")
        location = await context.location_by_id.load(UUID(location_id)) if location_id else None
        return StockLocationPayload(
            stock_location=StockLocation.of(location) if location else None,
            user_errors=user_errors(outcome, InventoryErrorCode),
        )

    @strawberry.mutation(description="Add units that arrived at one of your locations (seller).")
    async def receive_stock(self, info: Info, input: ReceiveStockInput) -> StockItemPayload:
        context = info.context
        return await _item_payload(info, await context.write("receiveStock", input, context.service.receive_stock))

    @strawberry.mutation(description="Correct what lies at one of your locations after a count (seller).")
    async def adjust_stock(self, info: Info, input: AdjustStockInput) -> StockItemPayload:
        context = info.context
        return await _item_payload(info, await context.write("adjustStock", input, context.service.adjust_stock))

    @strawberry.mutation(description="Say when a variant of yours counts as low (seller).")
    async def set_low_stock_threshold(self, info: Info, input: SetLowStockThresholdInput) -> VariantStockPayload:
        context = info.context
        outcome = await context.write("setLowStockThreshold", input, context.service.set_low_stock_threshold)
        variant_id = outcome.ids.get("variant")
        return VariantStockPayload(
            variant=Variant(id=strawberry.ID(variant_id)) if variant_id else None,
            user_errors=user_errors(outcome, InventoryErrorCode),
        )


async def _item_payload(info: Info, outcome: Outcome) -> StockItemPayload:
    item = None
    if outcome.ids:
        place = UUID(outcome.ids["location"]), UUID(outcome.ids["variant"])
        item = await info.context.item_by_place.load(place)
    return StockItemPayload(
        stock_item=StockItem.of(item) if item else None, user_errors=user_errors(outcome, InventoryErrorCode)
    )

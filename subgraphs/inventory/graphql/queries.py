"""Reads of inventory: a seller sees its own stock, staff any seller's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db.keyset import Page, PageRequest
from shared.graphql.types import PAGED_FORWARD, Connection, connection, parse_id
from subgraphs.inventory import repository
from subgraphs.inventory.graphql.context import Info
from subgraphs.inventory.graphql.types import StockItem, StockLocation, StockMovement

Row = TypeVar("Row")
Shown = TypeVar("Shown")


@strawberry.type
class Query:
    @strawberry.field(
        directives=[PAGED_FORWARD], description="Places where your stock lies (seller; staff names the seller)."
    )
    async def stock_locations(
        self, info: Info, seller_id: strawberry.ID | None = None, first: int | None = None, after: str | None = None
    ) -> Connection[StockLocation]:
        seller = _seller(info, seller_id)
        request = PageRequest.of(first, after)
        return await _list(
            info,
            lambda session: repository.location_page(session, seller, request),
            lambda session: repository.count_locations(session, seller),
            StockLocation.of,
        )

    @strawberry.field(
        directives=[PAGED_FORWARD], description="Your stock by location and variant (seller; staff names the seller)."
    )
    async def stock_items(
        self,
        info: Info,
        seller_id: strawberry.ID | None = None,
        variant_id: strawberry.ID | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[StockItem]:
        seller, variant = _seller(info, seller_id), _optional(variant_id)
        request = PageRequest.of(first, after)
        return await _list(
            info,
            lambda session: repository.item_page(session, seller, variant, request),
            lambda session: repository.count_items(session, seller, variant),
            StockItem.of,
        )

    @strawberry.field(
        directives=[PAGED_FORWARD],
        description="What happened to your stock, newest first (seller; staff names the seller).",
    )
    async def stock_movements(
        self,
        info: Info,
        seller_id: strawberry.ID | None = None,
        variant_id: strawberry.ID | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[StockMovement]:
        seller, variant = _seller(info, seller_id), _optional(variant_id)
        request = PageRequest.of(first, after)
        return await _list(
            info,
            lambda session: repository.movement_page(session, seller, variant, request),
            lambda session: repository.count_movements(session, seller, variant),
            StockMovement.of,
        )


async def _list(
    info: Info,
    load: Callable[[AsyncSession], Awaitable[Page[Row]]],
    total: Callable[[AsyncSession], Awaitable[int]],
    show: Callable[[Row], Shown],
) -> Connection[Shown]:
    page = await info.context.report(load)

    async def count() -> int:
        return await info.context.report(total)

    return connection(page, show, count)


def _seller(info: Info, seller_id: str | None) -> UUID:
    actor = info.context.actor
    if seller_id is not None and actor.is_staff:
        return parse_id(seller_id, field="sellerId")
    return actor.require_seller()


def _optional(variant_id: str | None) -> UUID | None:
    return parse_id(variant_id, field="variantId") if variant_id else None

"""Live updates of orders: each note is a reading anew, with the scope of whoever watches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import strawberry

from shared.errors import Forbidden
from shared.graphql.types import parse_id
from subgraphs.orders.domain import order as domain
from subgraphs.orders.errors import OrderNotFound
from subgraphs.orders.graphql.context import Info, OrdersContext
from subgraphs.orders.graphql.types.orders import Order
from subgraphs.orders.repository import lists
from subgraphs.orders.service.watching import ORDER_RECEIVED, ORDER_UPDATED


@strawberry.type
class Subscription:
    @strawberry.subscription(
        description="An order of yours each time it, or the checkout it came from, has moved. Several moves in a row may"
        " be told as one: what comes is always the present state. Read it once more after each new connection."
    )
    async def order_updated(
        self,
        info: Info,
        order_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="One of your orders; without it, any of them.")
        ] = None,
    ) -> AsyncIterator[Order]:
        context = info.context
        buyer_id = context.actor.require_user()
        wanted = parse_id(order_id, field="orderId") if order_id is not None else None
        if wanted is not None:
            await _require_bought(context, wanted, buyer_id)

        async def show(updated: UUID) -> Order | None:
            if wanted not in (None, updated):
                return None
            found = await _find(context, updated)
            return Order.of(found) if found else None

        watched = () if wanted is None else (wanted,)
        return await context.hub.watch(ORDER_UPDATED, (buyer_id,), show, watched=watched)

    @strawberry.subscription(
        description="An order that your seller may pack: paid, its stock taken (seller). Read the list of orders once"
        " more after each new connection."
    )
    async def seller_order_received(
        self,
        info: Info,
        seller_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="The seller you act for, which is also the default.")
        ] = None,
    ) -> AsyncIterator[Order]:
        context = info.context
        own = context.actor.require_seller()
        if seller_id is not None and parse_id(seller_id, field="sellerId") != own:
            raise Forbidden

        async def show(received: UUID) -> Order | None:
            found = await _find(context, received)
            return Order.of(found) if found else None

        return await context.hub.watch(ORDER_RECEIVED, (own,), show)


async def _require_bought(context: OrdersContext, order_id: UUID, buyer_id: UUID) -> None:
    """Raises OrderNotFound, also for who may see the order but has not bought it."""
    found = await _find(context, order_id)
    if found is None or found.buyer_id != buyer_id:
        raise OrderNotFound


async def _find(context: OrdersContext, order_id: UUID) -> domain.Order | None:
    """Past the loaders, which would remember it."""
    async with context.database.read(context.actor.scope()) as session:
        return (await lists.orders_by_id(session, [order_id])).get(order_id)

"""Reads of orders."""

from __future__ import annotations

import strawberry

from shared.db.keyset import PageRequest
from shared.graphql.types import PAGED, Connection, connection, parse_id
from subgraphs.orders.domain.cart import hash_cart_token
from subgraphs.orders.domain.order import OrderStatus
from subgraphs.orders.graphql.context import Info
from subgraphs.orders.graphql.counts import count_of
from subgraphs.orders.graphql.types.cart import Cart
from subgraphs.orders.graphql.types.orders import Order, OrderGroup
from subgraphs.orders.repository import carts, lists


@strawberry.type
class Query:
    @strawberry.field(description="A guest's open cart by its secret token.")
    async def cart(self, info: Info, token: str) -> Cart | None:
        async with info.context.database.read(info.context.actor.scope()) as session:
            found = await carts.find_open_by_token(session, hash_cart_token(token))
        return Cart.of(found) if found else None

    @strawberry.field(description="The signed-in user's open cart; null before anything was added.")
    async def my_cart(self, info: Info) -> Cart | None:
        user_id = info.context.actor.require_user()
        async with info.context.database.read(info.context.actor.scope()) as session:
            found = await carts.find_open_of_user(session, user_id)
        return Cart.of(found) if found else None

    @strawberry.field(description="One order, if you bought it or sold it.")
    async def order(self, info: Info, id: strawberry.ID) -> Order | None:
        found = await info.context.order_by_id.load(parse_id(id))
        return Order.of(found) if found else None

    @strawberry.field(description="One checkout of yours.")
    async def order_group(self, info: Info, id: strawberry.ID) -> OrderGroup | None:
        found = await info.context.group_by_id.load(parse_id(id))
        return OrderGroup.of(found) if found else None

    @strawberry.field(directives=[PAGED], description="What you have ordered, newest first.")
    async def orders(
        self,
        info: Info,
        status: OrderStatus | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Order]:
        actor = info.context.actor
        statement = lists.of_buyer(actor.require_user(), status)
        async with info.context.database.read(actor.scope()) as session:
            page = await lists.order_page(session, statement, PageRequest.of(first, after, last, before))
        return connection(page, Order.of, count_of(info, statement))

    @strawberry.field(directives=[PAGED], description="What your seller has sold, newest first (seller).")
    async def seller_orders(
        self,
        info: Info,
        status: OrderStatus | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Order]:
        actor = info.context.actor
        statement, request = lists.of_seller(actor.require_seller(), status), PageRequest.of(first, after, last, before)
        page = await info.context.report(lambda session: lists.order_page(session, statement, request))
        return connection(page, Order.of, count_of(info, statement, report=True))

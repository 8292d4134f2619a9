"""How long a list of orders is: counted only where a client asks."""

from __future__ import annotations

from sqlalchemy import Select

from shared.graphql.types import Count
from subgraphs.orders.domain.order import Order
from subgraphs.orders.graphql.context import Info
from subgraphs.orders.repository import lists


def count_of(info: Info, orders: Select[Order], *, report: bool = False) -> Count:
    read = info.context.report if report else info.context.read

    async def count() -> int:
        return await read(lambda session: lists.count_orders(session, orders))

    return count

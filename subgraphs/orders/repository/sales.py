"""SQL of the sales reports: one statement for all sellers that are asked for over the same period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.orders.domain.commands import SalesPeriod
from subgraphs.orders.domain.sales import SalesFigures, SalesRow

SalesKey = tuple[UUID, SalesPeriod]

# Lines are added up an order at a time: joined, they would count the order's amounts once each.
SALES = text(
    """
    SELECT o.seller_id, date_trunc(CAST(:unit AS text), o.placed_at, 'UTC') AS start, o.currency,
           count(*) AS orders,
           CAST(sum(line.units) AS bigint) AS units,
           CAST(sum(o.subtotal) AS bigint) AS gross,
           CAST(sum(o.discount) AS bigint) AS discount,
           CAST(sum(o.refunded) AS bigint) AS refunded,
           CAST(sum(o.total - o.refunded) AS bigint) AS net
    FROM customer_order o
    CROSS JOIN LATERAL (SELECT sum(quantity) AS units FROM order_line WHERE order_id = o.id) line
    WHERE o.seller_id = ANY(CAST(:sellers AS uuid[]))
      AND o.placed_at >= CAST(:since AS timestamptz) AND o.placed_at < CAST(:until AS timestamptz)
      AND o.paid_at IS NOT NULL AND o.status <> 'CANCELLED'
    GROUP BY o.seller_id, o.currency, start
    ORDER BY start, o.currency
    """
)


async def sales_by_seller(session: AsyncSession, keys: Sequence[SalesKey]) -> Mapping[SalesKey, list[SalesRow]]:
    """The rows by time and currency; a seller who sold nothing in the period has none."""
    sellers: dict[SalesPeriod, list[UUID]] = defaultdict(list)
    for seller_id, period in keys:
        sellers[period].append(seller_id)
    found: dict[SalesKey, list[SalesRow]] = defaultdict(list)
    for period, seller_ids in sellers.items():
        values = {"unit": period.interval.lower(), "since": period.since, "until": period.until, "sellers": seller_ids}
        for row in await session.execute(SALES, values):
            figures = SalesFigures(
                currency=row.currency,
                orders=row.orders,
                units=row.units,
                gross=row.gross,
                discount=row.discount,
                refunded=row.refunded,
                net=row.net,
            )
            found[row.seller_id, period].append(SalesRow(row.start, figures))
    return found

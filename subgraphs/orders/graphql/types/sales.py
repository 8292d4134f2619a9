"""The sales report of a seller."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import strawberry
from strawberry import UNSET
from strawberry.federation.schema_directives import ListSize

from shared.graphql.types import Money
from subgraphs.orders.domain import sales as domain
from subgraphs.orders.domain.commands import MAX_SALES_INTERVALS

strawberry.enum(
    domain.SalesInterval, description="What a sales report is divided into, in UTC. A WEEK begins with its Monday."
)


@strawberry.type(description="What was sold in one currency.")
class SalesTotals:
    orders: int = strawberry.field(description="Paid orders, without those that were cancelled afterwards.")
    units: int = strawberry.field(description="Pieces in these orders.")
    gross: Money = strawberry.field(description="Their unit prices by quantities, before any discount.")
    discount: Money = strawberry.field(description="What was taken off them.")
    refunded: Money = strawberry.field(description="What went back of them to their buyers, whenever it did.")
    net: Money = strawberry.field(
        description="Gross less discount, with shipping and tax, less what was refunded; commission is not taken off."
    )

    @classmethod
    def of(cls, figures: domain.SalesFigures) -> SalesTotals:
        return cls(
            orders=figures.orders,
            units=figures.units,
            gross=Money.cents(figures.gross, figures.currency),
            discount=Money.cents(figures.discount, figures.currency),
            refunded=Money.cents(figures.refunded, figures.currency),
            net=Money.cents(figures.net, figures.currency),
        )


@strawberry.type(description="What was sold in one interval in one currency.")
class SalesRow(SalesTotals):
    start: datetime = strawberry.field(
        description="Where the interval begins, in UTC. `from` and `to` may cut off a part of the first and the last."
    )

    @classmethod
    def at(cls, row: domain.SalesRow) -> SalesRow:
        sums = SalesTotals.of(row.figures)
        return cls(
            start=row.start,
            orders=sums.orders,
            units=sums.units,
            gross=sums.gross,
            discount=sums.discount,
            refunded=sums.refunded,
            net=sums.net,
        )


_A_ROW_EACH = ListSize(
    assumed_size=MAX_SALES_INTERVALS, slicing_arguments=UNSET, sized_fields=UNSET, require_one_slicing_argument=False
)


@strawberry.type(description="What a seller sold of what was checked out in a period, whenever it was paid.")
class SalesReport:
    totals: list[SalesTotals] = strawberry.field(
        description="The whole period, by currency; empty if nothing was sold."
    )
    rows: list[SalesRow] = strawberry.field(
        directives=[_A_ROW_EACH],
        description="By time, then currency. Where nothing was sold there is no row.",
    )

    @classmethod
    def of(cls, rows: Sequence[domain.SalesRow]) -> SalesReport:
        return cls(
            totals=[SalesTotals.of(figures) for figures in domain.totals(rows)],
            rows=[SalesRow.at(row) for row in rows],
        )

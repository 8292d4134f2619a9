"""What a seller has sold, added up by intervals of time in UTC."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class SalesInterval(StrEnum):
    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


@dataclass(frozen=True, slots=True)
class SalesFigures:
    """Sums over orders in one currency, in its cents. `net` is what their buyers paid and have not got back."""

    currency: str
    orders: int
    units: int
    gross: int
    discount: int
    refunded: int
    net: int

    def __add__(self, other: SalesFigures) -> SalesFigures:
        if self.currency != other.currency:
            raise ValueError(f"cannot mix {self.currency} and {other.currency}")
        return SalesFigures(
            currency=self.currency,
            orders=self.orders + other.orders,
            units=self.units + other.units,
            gross=self.gross + other.gross,
            discount=self.discount + other.discount,
            refunded=self.refunded + other.refunded,
            net=self.net + other.net,
        )


@dataclass(frozen=True, slots=True)
class SalesRow:
    """One interval's figures in one currency; `start` is where the interval begins."""

    start: datetime
    figures: SalesFigures


def totals(rows: Iterable[SalesRow]) -> list[SalesFigures]:
    """All rows of each currency added up, by currency."""
    sums: dict[str, SalesFigures] = {}
    for row in rows:
        currency = row.figures.currency
        sums[currency] = sums[currency] + row.figures if currency in sums else row.figures
    return [sums[currency] for currency in sorted(sums)]


def count_intervals(since: datetime, until: datetime, interval: SalesInterval) -> int:
    """How many intervals the moments from `since` to before `until` lie in; both are in UTC, and `until` is later."""
    last = until - timedelta(microseconds=1)
    match interval:
        case SalesInterval.DAY:
            return last.toordinal() - since.toordinal() + 1
        case SalesInterval.WEEK:
            # The calendar's first day was a Monday, as the first of each week is.
            return (last.toordinal() - 1) // 7 - (since.toordinal() - 1) // 7 + 1
        case SalesInterval.MONTH:
            return (last.year - since.year) * 12 + last.month - since.month + 1

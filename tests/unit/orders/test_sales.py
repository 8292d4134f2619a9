"""How long a sales report is, and what its rows add up to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from subgraphs.orders.domain.sales import SalesFigures, SalesInterval, SalesRow, count_intervals, totals

EDGES = ("0001-01-01T00:00:00", "9999-12-31T23:59:59.999999")


@pytest.mark.parametrize(
    ("since", "until", "days", "weeks", "months"),
    [
        ("2026-11-02T00:00:00", "2026-11-02T00:00:00.000001", 1, 1, 1),
        ("2026-11-01T00:00:00", "2026-11-02T00:00:00", 1, 1, 1),
        # From the last moment of a Sunday to the first one of a Monday.
        ("2026-11-01T23:59:59", "2026-11-02T00:00:00.000001", 2, 2, 1),
        ("2026-10-31T23:59:59", "2026-11-01T00:00:01", 2, 1, 2),
        ("2026-11-01T00:00:00", "2026-12-01T00:00:00", 30, 6, 1),
        ("2024-01-01T00:00:00", "2025-01-01T00:00:00", 366, 53, 12),
        (*EDGES, 3_652_059, 521_723, 119_988),
    ],
)
def test_an_interval_counts_from_the_first_moment_to_the_last_in_it(
    since: str, until: str, days: int, weeks: int, months: int
) -> None:
    period = [datetime.fromisoformat(moment).replace(tzinfo=UTC) for moment in (since, until)]
    counts = [count_intervals(period[0], period[1], interval) for interval in SalesInterval]
    assert counts == [days, weeks, months]


def test_totals_are_kept_apart_by_currency() -> None:
    at = datetime(2026, 11, 2, tzinfo=UTC)
    euros, dollars = (SalesFigures(currency, 1, 2, 300, 50, 20, 230) for currency in ("EUR", "USD"))
    rows = [SalesRow(at, figures) for figures in (dollars, euros, euros)]
    assert totals(rows) == [SalesFigures("EUR", 2, 4, 600, 100, 40, 460), dollars]
    assert totals([]) == []
    with pytest.raises(ValueError, match="cannot mix EUR and USD"):
        _ = euros + dollars

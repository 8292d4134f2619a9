"""Tells Prometheus whether what must always hold of the stock does. Nothing is mended."""

from __future__ import annotations

from shared.db.database import Database
from shared.db.scope import Scope
from shared.telemetry.metrics import STOCK_MISMATCHES
from subgraphs.inventory import repository


async def measure_stock(database: Database) -> None:
    """One statement each: it sees one moment, so that a step that is under way breaks nothing."""
    async with database.read(Scope.ALL) as session:
        wrong = {
            "available": await repository.count_wrong_availability(session),
            "reserved": await repository.count_wrong_reservations(session),
        }
    for invariant, count in wrong.items():
        STOCK_MISMATCHES.labels(invariant).set(count)

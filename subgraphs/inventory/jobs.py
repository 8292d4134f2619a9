"""Work by the clock: a sweeper that reports and never releases."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from shared.clock import Clock
from shared.db.database import Database
from shared.runtime.subgraph import Job
from subgraphs.inventory.service.figures import measure_stock
from subgraphs.inventory.service.reservations import report_orphans


def jobs(database: Database, clock: Clock) -> tuple[Job, ...]:
    return (
        Job("report orphaned reservations", timedelta(minutes=1), partial(report_orphans, database, clock)),
        Job("measure stock", timedelta(minutes=1), partial(measure_stock, database)),
    )

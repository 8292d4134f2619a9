"""Tells Prometheus how the checkouts are that are under way."""

from __future__ import annotations

from collections import Counter

from shared.clock import Clock
from shared.db.database import Database
from shared.db.scope import Scope
from shared.telemetry.metrics import SAGA_CHECKOUTS, SAGA_OLDEST_SECONDS, SAGA_OVERDUE, SAGA_PARKED
from subgraphs.orders.domain.group import GroupStatus
from subgraphs.orders.repository import figures

STATES = (GroupStatus.RESERVING, GroupStatus.AWAITING_PAYMENT, GroupStatus.PAID)
"""Those that a checkout leaves again."""
AGES = {"under_1m": 60.0, "under_5m": 300.0, "under_15m": 900.0, "over_15m": float("inf")}
MOST = 10_000
"""More are not told apart: something else is wrong then, and the oldest are among those that are seen."""


async def measure_checkouts(database: Database, clock: Clock) -> None:
    async with database.read(Scope.ALL) as session:
        under_way = await figures.checkouts_under_way(session, clock(), MOST)
        parked = await figures.count_parked(session)
    counts = Counter((each.status, _age(each.seconds)) for each in under_way)
    for state in STATES:
        SAGA_OLDEST_SECONDS.labels(state).set(max((e.seconds for e in under_way if e.status is state), default=0.0))
        for age in AGES:
            SAGA_CHECKOUTS.labels(state, age).set(counts[state, age])
    SAGA_OVERDUE.set(sum(each.overdue for each in under_way))
    SAGA_PARKED.set(parked)


def _age(seconds: float) -> str:
    return next(name for name, bound in AGES.items() if seconds < bound)

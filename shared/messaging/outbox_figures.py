"""How much waits in the outbox, and for how long: measured apart from the relay, since it matters most while that fails."""

from __future__ import annotations

from sqlalchemy import text

from shared.db.database import Database
from shared.db.scope import Scope
from shared.telemetry.metrics import OUTBOX_DEPTH, OUTBOX_LAG

_WAITING = text(
    """
    SELECT count(*) AS events, COALESCE(EXTRACT(epoch FROM clock_timestamp() - min(occurred_at)), 0) AS seconds
    FROM outbox
    """
)


async def measure_outbox(database: Database, domain: str) -> None:
    async with database.read(Scope.ALL) as session:
        waiting = (await session.execute(_WAITING)).one()
    OUTBOX_DEPTH.labels(domain).set(waiting.events)
    # Not below zero: who writes an event may have a clock of its own.
    OUTBOX_LAG.labels(domain).set(max(0.0, float(waiting.seconds)))

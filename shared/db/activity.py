"""The connections of a domain's role, as Postgres counts them: of all its processes, poolers between them included.

`pg_stat_activity` shows every role how many connections there are, and what its own do: no further right is needed.
"""

from __future__ import annotations

from sqlalchemy import text

from shared.db.database import Database
from shared.telemetry.metrics import DB_CONNECTION_LIMIT, DB_CONNECTIONS

_STATES = {"active": "active", "idle": "idle", "idle in transaction": "idle_in_transaction"}
_OTHER = "other"
_CONNECTIONS = text(
    "SELECT COALESCE(state, '') AS state, count(*) AS connections FROM pg_stat_activity WHERE usename = current_user GROUP BY 1"
)
_LIMIT = text("SELECT CAST(current_setting('max_connections') AS integer)")


async def measure_connections(database: Database, domain: str) -> None:
    async with database.read() as session:
        rows = (await session.execute(_CONNECTIONS)).all()
        limit = await session.scalar(_LIMIT)
    counts = dict.fromkeys((*_STATES.values(), _OTHER), 0)
    for state, connections in rows:
        counts[_STATES.get(state, _OTHER)] += connections
    for state, connections in counts.items():
        DB_CONNECTIONS.labels(domain, state).set(connections)
    DB_CONNECTION_LIMIT.labels(domain).set(limit or 0)

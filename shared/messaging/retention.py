"""Removes what the delivery tables no longer need. The outbox is never purged: what lies there is not sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import TextClause, text

from shared.clock import Clock
from shared.db.database import Database
from shared.db.scope import Scope

_BATCH = 5000


@dataclass(frozen=True, slots=True)
class Retention:
    """How long each table keeps a row.

    The inbox outlives the event log: whatever can still be replayed is still known to have been taken. Outcomes of
    idempotent writes are owed for 24 hours. Attempts outlive any stay in a dead-letter queue that somebody looks at.
    """

    event_log: timedelta = timedelta(days=90)
    inbox: timedelta = timedelta(days=120)
    delivery_attempt: timedelta = timedelta(days=120)
    idempotency_record: timedelta = timedelta(hours=72)

    def __post_init__(self) -> None:
        if self.inbox <= self.event_log:
            raise ValueError("the inbox must outlive the event log, or a replay takes effect twice")
        if self.idempotency_record < timedelta(hours=24):
            raise ValueError("outcomes are kept for at least 24 hours")


def _purge(table: str, column: str) -> TextClause:
    # Replicas share the work: a row that one is deleting is skipped by the others. Table and column are ours.
    return text(
        f"DELETE FROM {table} WHERE (tableoid, ctid) IN (SELECT tableoid, ctid FROM {table} WHERE {column} < :before"  # noqa: S608
        f" LIMIT {_BATCH} FOR UPDATE SKIP LOCKED)"
    )


_PURGES = {
    "event_log": _purge("event_log", "sent_at"),
    "inbox": _purge("inbox", "received_at"),
    "delivery_attempt": _purge("delivery_attempt", "updated_at"),
    "idempotency_record": _purge("idempotency_record", "created_at"),
}


async def purge(database: Database, clock: Clock, retention: Retention | None = None) -> dict[str, int]:
    """Delete what is older than its retention, in short transactions; answers the rows removed, by table.

    Meant as a job of every worker, some times a day; several at once are harmless.
    """
    retention = retention or Retention()
    removed = {}
    for table, statement in _PURGES.items():
        age: timedelta = getattr(retention, table)
        removed[table] = await _delete_all(database, statement, {"before": clock() - age})
    return removed


async def _delete_all(database: Database, statement: TextClause, values: dict[str, object]) -> int:
    total = 0
    while True:
        async with database.unit_of_work(Scope.ALL) as uow:
            deleted: int = (await uow.session.execute(statement, values)).rowcount  # type: ignore[attr-defined]  # DML.
        total += deleted
        if deleted < _BATCH:
            return total

"""Records every sensitive event as one entry of the chain, and walks the chain."""

from __future__ import annotations

from functools import partial

from shared.clock import Clock
from shared.db.database import Database, UnitOfWork
from shared.db.scope import Scope
from shared.ids import new_id
from shared.messaging.contract import ReceivedEvent
from subgraphs.audit import repository
from subgraphs.audit.domain import GENESIS, START, AuditEntry, ChainCheck, actor_of, canonical, follow

BATCH = 1000


class AuditService:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def on_event(self, uow: UnitOfWork, event: ReceivedEvent) -> None:
        """One event, one entry; the inbox sees to it that a second delivery adds none."""
        last = await repository.lock_chain(uow.session)
        entry = AuditEntry(
            position=last.position + 1 if last else 1,
            id=new_id(),
            event_id=event.id,
            action=event.name,
            actor_id=actor_of(event.name, event.payload),
            target_type=event.name.partition(".")[0],
            target_id=event.aggregate_id,
            correlation_id=event.correlation_id,
            details=canonical(event.payload),
            occurred_at=event.occurred_at,
            recorded_at=self._clock(),
            previous_hash=last.hash if last else GENESIS,
        )
        entry.hash = entry.seal()
        uow.session.add(entry)


async def verify_chain(database: Database) -> ChainCheck:
    """Walk the whole chain in batches, each in a short session; stops at the first entry that does not fit."""
    check = START
    while True:
        batch = partial(repository.entries_after, position=check.checked, limit=BATCH)
        entries = await database.report(batch, Scope.ALL)
        check = follow(check, entries)
        if not check.intact or len(entries) < BATCH:
            return check

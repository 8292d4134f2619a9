"""What accounts clears away by the clock. Deleting what is past is safe with any number of replicas."""

from __future__ import annotations

from datetime import timedelta

from shared.clock import Clock
from shared.db.database import Database
from shared.db.scope import Scope
from shared.runtime.subgraph import Job
from subgraphs.accounts.repository import api_clients, credentials, sessions

KEPT = timedelta(days=1)
"""How long ended tokens, sessions and failed attempts are still of use to somebody who looks into an incident."""


def jobs(database: Database, clock: Clock) -> tuple[Job, ...]:
    async def purge_expired() -> None:
        before = clock() - KEPT
        async with database.unit_of_work(Scope.ALL) as uow:
            await sessions.delete_expired(uow.session, before)
            await api_clients.delete_expired_keys(uow.session, before)
            await credentials.delete_expired(uow.session, tokens_before=before, attempts_before=before)

    return (Job("purge_expired", timedelta(hours=1), purge_expired),)

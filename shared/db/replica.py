"""A streaming replica for reports: asked only while it is known to be at most so many seconds behind the primary.

How far behind is measured for each report, without a clock that the servers would have to share while nothing is written:

- The primary says where its log ends (a mark, kept for a second). A replica that has replayed that far shows all that was
  committed before the mark, however long ago its last transaction was: an idle primary never looks like lag.
- One that has not is as old as the last commit that it has replayed.

Nobody waits for a replica: where it is away, too old, or ends a query, its caller reads on the primary.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from shared.db.engine import apply_scope, open_engine
from shared.db.scope import Scope
from shared.telemetry.metrics import REPLICA_LAG, REPLICA_READS

log = logging.getLogger(__name__)

T = TypeVar("T")
Load = Callable[[AsyncSession], Awaitable[T]]

_PROBE_SECONDS = 1.0
_STATEMENT_SECONDS = 30.0
_REST_SECONDS = 1.0
_MARK_SECONDS = 1.0
_FAILURES = (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)

_END_OF_LOG = text("SELECT CAST(pg_current_wal_lsn() AS text)")
_POSITION = text(
    """
    SELECT pg_is_in_recovery() AS follows,
           pg_last_wal_replay_lsn() >= CAST(CAST(:mark AS text) AS pg_lsn) AS reached,
           CAST(EXTRACT(EPOCH FROM clock_timestamp() - pg_last_xact_replay_timestamp()) AS double precision) AS age
    """
)


class ReplicaUnfit(Exception):
    """The replica cannot answer this report; the primary can."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where the primary's log ended, at a moment of this process's own clock."""

    lsn: str
    at: float


class Replica:
    """`url` is the replica's for the domain's run-time role, `primary` the pool that tells where the log ends."""

    def __init__(
        self, url: str, primary: AsyncEngine, *, domain: str, pool_size: int, pooler: bool, staleness: float
    ) -> None:
        self.engine = open_engine(
            url,
            application_name=domain,
            pool_size=pool_size,
            pooler=pooler,
            name="replica",
            connect_args={"timeout": _PROBE_SECONDS, "command_timeout": _STATEMENT_SECONDS},
            # Nothing but read-only transactions: also where the address turns out to be a server that accepts writes.
        ).execution_options(postgresql_readonly=True)
        self._primary = primary
        self._domain = domain
        self._staleness = staleness
        self._mark: _Mark | None = None
        self._rests_until = 0.0

    async def read(self, load: Load[T], scope: Scope) -> T:
        """What `load` reads in a session on the replica. Raises ReplicaUnfit; what `load` itself refuses is raised as it is."""
        if time.monotonic() < self._rests_until:
            raise self._unfit("resting")
        mark = await self._end_of_log()
        try:
            async with AsyncSession(self.engine, expire_on_commit=False, autoflush=False) as session:
                await self._require_fresh(session, mark)
                await apply_scope(session, scope)
                found = await load(session)
        except _FAILURES as error:
            # Whoever comes next shall not pay for the same discovery.
            self._rests_until = time.monotonic() + _REST_SECONDS
            log.warning("replica failed", extra={"domain": self._domain, "error": type(error).__name__})
            raise self._unfit("failed") from error
        REPLICA_READS.labels(self._domain, "replica").inc()
        return found

    async def close(self) -> None:
        await self.engine.dispose()

    async def _require_fresh(self, session: AsyncSession, mark: _Mark | None) -> None:
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                row = (await session.execute(_POSITION, {"mark": mark.lsn if mark else None})).one()
        except TimeoutError:
            # It is alive and says nothing: closing the session in good form would wait for it too.
            await session.invalidate()
            raise
        lag = math.inf if row.age is None else max(0.0, row.age)
        if mark is not None and row.reached:
            lag = min(lag, time.monotonic() - mark.at)
        REPLICA_LAG.labels(self._domain).set(lag)
        # A server that follows nobody (promoted, or a wrong address) has a history of its own.
        if not row.follows or lag > self._staleness:
            raise self._unfit("stale")

    async def _end_of_log(self) -> _Mark | None:
        """None where the primary does not say: the age of the last replayed commit alone counts then."""
        now = time.monotonic()
        if self._mark is not None and now - self._mark.at < min(_MARK_SECONDS, self._staleness / 2):
            return self._mark
        try:
            async with self._primary.connect() as connection:
                self._mark = _Mark(str(await connection.scalar(_END_OF_LOG)), now)
        except _FAILURES:
            return None
        return self._mark

    def _unfit(self, outcome: str) -> ReplicaUnfit:
        REPLICA_READS.labels(self._domain, outcome).inc()
        return ReplicaUnfit(outcome)

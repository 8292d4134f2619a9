"""A service's own Postgres schema: short read sessions and units of work. Nobody else opens a session or commits."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db.engine import apply_scope, open_engine
from shared.db.replica import Load, Replica, ReplicaUnfit, T
from shared.db.scope import Scope

log = logging.getLogger(__name__)

AfterCommit = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class UnitOfWork:
    """One transaction. `after_commit` runs once the commit has succeeded: hints and cache entries, never effects."""

    session: AsyncSession
    after_commit: list[AfterCommit] = field(default_factory=list)


class Database:
    """`url` is `postgresql://role:password@host:port/database` of the service's run-time role.

    What follows its `?` is libpq's and asyncpg's to read: `sslmode=verify-full&sslrootcert=FILE` (and `sslcert`, `sslkey`).
    """

    def __init__(
        self,
        url: str,
        *,
        application_name: str,
        pool_size: int = 5,
        pooler: bool = False,
        replica_url: str | None = None,
        replica_staleness: float = 5.0,
    ) -> None:
        self.engine = open_engine(url, application_name=application_name, pool_size=pool_size, pooler=pooler)
        self._replica = (
            Replica(
                replica_url,
                self.engine,
                domain=application_name,
                pool_size=pool_size,
                pooler=pooler,
                staleness=replica_staleness,
            )
            if replica_url
            else None
        )

    @property
    def has_replica(self) -> bool:
        return self._replica is not None

    @asynccontextmanager
    async def read(self, scope: Scope = Scope.PUBLIC) -> AsyncIterator[AsyncSession]:
        """A short read session; it never writes. One per loader batch, since query fields run side by side."""
        async with AsyncSession(self.engine, expire_on_commit=False, autoflush=False) as session:
            await apply_scope(session, scope)
            yield session

    async def report(self, load: Load[T], scope: Scope = Scope.PUBLIC) -> T:
        """What `load` reads, perhaps a few seconds old: on the replica where there is a fresh one, else as `read` would.

        `load` may run twice, since a replica may end a query half-way.
        """
        if self._replica is not None:
            try:
                return await self._replica.read(load, scope)
            except ReplicaUnfit as unfit:
                log.debug("report read on the primary", extra={"because": str(unfit)})
        async with self.read(scope) as session:
            return await load(session)

    @asynccontextmanager
    async def unit_of_work(self, scope: Scope = Scope.PUBLIC) -> AsyncIterator[UnitOfWork]:
        """One transaction: committed at the end of the block, rolled back where it raises."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            work = UnitOfWork(session)
            async with session.begin():
                await apply_scope(session, scope)
                yield work
        for callback in work.after_commit:
            await callback()

    async def ping(self) -> None:
        """Raises where Postgres does not answer."""
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        if self._replica is not None:
            await self._replica.close()
        await self.engine.dispose()

"""A service's own Postgres schema: short read sessions and units of work. Nobody else opens a session or commits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from shared.db.scope import Scope
from shared.telemetry.metrics import SQL_STATEMENTS

AfterCommit = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class UnitOfWork:
    """One transaction. `after_commit` runs once the commit has succeeded: hints and cache entries, never effects."""

    session: AsyncSession
    after_commit: list[AfterCommit] = field(default_factory=list)


class Database:
    """`url` is `postgresql://role:password@host:port/database` of the service's run-time role."""

    def __init__(self, url: str, *, application_name: str, pool_size: int = 5, pooler: bool = False) -> None:
        connect_args: dict[str, Any] = {"server_settings": {"application_name": application_name}}
        if pooler:
            # A transaction pooler hands each transaction another server connection: no statement may outlive it,
            # and it refuses start-up parameters that it does not know.
            connect_args = {"statement_cache_size": 0}
        options: dict[str, Any] = (
            {"poolclass": NullPool} if pool_size == 0 else {"pool_size": pool_size, "max_overflow": 0}
        )
        self.engine: AsyncEngine = create_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"),
            connect_args=connect_args,
            # An error's text ends up in logs, and a statement's parameters are people's addresses and tokens.
            hide_parameters=True,
            **options,
        )
        statements = SQL_STATEMENTS.labels(application_name)

        @event.listens_for(self.engine.sync_engine, "before_cursor_execute")
        def _count(*_: object) -> None:
            statements.inc()

    @asynccontextmanager
    async def read(self, scope: Scope = Scope.PUBLIC) -> AsyncIterator[AsyncSession]:
        """A short read session; it never writes. One per loader batch, since query fields run side by side."""
        async with AsyncSession(self.engine, expire_on_commit=False, autoflush=False) as session:
            await _apply(session, scope)
            yield session

    @asynccontextmanager
    async def unit_of_work(self, scope: Scope = Scope.PUBLIC) -> AsyncIterator[UnitOfWork]:
        """One transaction: committed at the end of the block, rolled back where it raises."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            work = UnitOfWork(session)
            async with session.begin():
                await _apply(session, scope)
                yield work
        for callback in work.after_commit:
            await callback()

    async def ping(self) -> None:
        """Raises where Postgres does not answer."""
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()


async def _apply(session: AsyncSession, scope: Scope) -> None:
    settings = scope.settings()
    if not settings:
        return
    # Bound parameters and is_local = true: the settings end with the transaction, also behind a pooler.
    calls = ", ".join(f"set_config(:n{i}, :v{i}, true)" for i in range(len(settings)))
    values: dict[str, str] = {}
    for i, (name, value) in enumerate(settings.items()):
        values |= {f"n{i}": name, f"v{i}": value}
    await session.execute(text(f"SELECT {calls}"), values)

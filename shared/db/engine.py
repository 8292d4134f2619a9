"""Pools of connections and what each transaction on them begins with, on the primary and on a replica alike."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from shared.db.pool import MeasuredPool
from shared.db.scope import Scope
from shared.db.statement_spans import record_statements
from shared.telemetry.metrics import SQL_STATEMENTS
from shared.telemetry.tracing import is_tracing


def open_engine(
    url: str,
    *,
    application_name: str,
    pool_size: int,
    pooler: bool,
    connect_args: dict[str, Any] | None = None,
    name: str = "primary",
) -> AsyncEngine:
    """A pool that connects at first use; `pool_size` 0 keeps no connection. `pooler`: a transaction pooler is in between.

    `name` tells the pools of a domain apart in metrics.
    """
    chosen: dict[str, Any] = dict(connect_args or {})
    # The only setting that a session may start with: pgBouncer keeps it with the client, and refuses those that it does not know.
    chosen["server_settings"] = {"application_name": application_name}
    if pooler:
        # A transaction pooler hands each transaction another server connection: no statement may outlive it.
        chosen["statement_cache_size"] = 0
    # SQLAlchemy would hand the URL's options on as arguments, which asyncpg knows by its DSN alone. It reads the files
    # that they name at each connect: renewed ones need no restart.
    chosen["dsn"] = url
    options: dict[str, Any] = (
        {"poolclass": NullPool}
        if pool_size == 0
        else {"poolclass": MeasuredPool, "pool_size": pool_size, "max_overflow": 0}
    )
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg", query={}),
        connect_args=chosen,
        # An error's text ends up in logs, and a statement's parameters are people's addresses and tokens.
        hide_parameters=True,
        pool_logging_name=f"{application_name}/{name}",
        **options,
    )
    statements = SQL_STATEMENTS.labels(application_name)

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def _count(*_: object) -> None:
        statements.inc()

    if is_tracing():
        record_statements(engine.sync_engine, application_name)
    return engine


async def apply_scope(session: AsyncSession, scope: Scope) -> None:
    """Before the first statement of a transaction: what row-level security is to let it see."""
    settings = scope.settings()
    if not settings:
        return
    # Bound parameters and is_local = true: the settings end with the transaction, also behind a pooler.
    calls = ", ".join(f"set_config(:n{i}, :v{i}, true)" for i in range(len(settings)))
    values: dict[str, str] = {}
    for i, (name, value) in enumerate(settings.items()):
        values |= {f"n{i}": name, f"v{i}": value}
    await session.execute(text(f"SELECT {calls}"), values)

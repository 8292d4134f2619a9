"""Tells a failure of what a consumer stands on (Postgres away, a deadlock) from a failure of the consumer itself."""

from __future__ import annotations

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

_TRANSIENT = ("08", "40", "53", "57P", "55P03")
"""SQLSTATE classes: connection, rollback by deadlock or serialisation, resources, shutdown and start-up, lock timeout."""


def is_outage(error: BaseException) -> bool:
    """Whether the same delivery may well succeed later without anybody changing code or data.

    An OSError counts, since SQLAlchemy hands on a refused connection as it is; a handler's own OSError must be wrapped
    before it gets here.
    """
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _transient(error.orig)
    if isinstance(error, asyncpg.PostgresError):
        return _transient(error)
    return isinstance(error, OSError | PoolTimeout | asyncpg.InterfaceError)


def _transient(error: BaseException | None) -> bool:
    code = getattr(error, "sqlstate", None)
    return isinstance(code, str) and code.startswith(_TRANSIENT)


def describe(error: BaseException) -> str:
    """One line for `delivery_attempt.last_error`: the database's own message without statement, parameters or detail."""
    cause: BaseException = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    lines = str(cause).splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"[:500]

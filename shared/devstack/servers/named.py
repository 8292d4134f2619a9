"""Servers that the environment names are asked before anything relies on them: a wrong word in a URL is told as such."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import asyncpg
import redis

from shared.devstack.addresses import without_password
from shared.devstack.errors import StackProblem

_PATIENCE_SECONDS = 5
_BROKER = "amqp://guest:guest@127.0.0.1:5672/"
_MAY_ADMINISTER = "SELECT rolsuper OR (rolcreaterole AND rolcreatedb) FROM pg_roles WHERE rolname = current_user"


async def require_postgres(url: str) -> None:
    """Raises StackProblem unless the login in `url` is let in and may make roles and a database."""
    try:
        connection = await asyncpg.connect(url, timeout=_PATIENCE_SECONDS)
        try:
            administers = await connection.fetchval(_MAY_ADMINISTER)
        finally:
            await connection.close()
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise _not_usable("POSTGRES_URL", "postgresql://postgres:word@127.0.0.1:5432/postgres", url, error) from error
    if not administers:
        raise StackProblem(
            f"The login of POSTGRES_URL, {without_password(url)}, may not make roles and databases.",
            remedy="Name an administrator's: each service gets a role of its own, made by it.",
        )


def require_redis(url: str) -> None:
    """Raises StackProblem unless the server answers a PING."""
    try:
        with redis.Redis.from_url(
            url, socket_timeout=_PATIENCE_SECONDS, socket_connect_timeout=_PATIENCE_SECONDS
        ) as it:
            it.ping()
    except (redis.RedisError, ValueError) as error:
        raise _not_usable("REDIS_URL", "redis://:word@127.0.0.1:6379/0", url, error) from error


def require_rabbitmq(url: str) -> None:
    """Raises StackProblem unless somebody listens there. Logins are the management interface's to check."""
    parts = urlsplit(url)
    try:
        port = parts.port or {"amqp": 5672, "amqps": 5671}[parts.scheme]
        socket.create_connection((parts.hostname or "", port), timeout=_PATIENCE_SECONDS).close()
    except KeyError as error:
        raise _not_usable("RABBITMQ_URL", _BROKER, url, ValueError("not an amqp:// address")) from error
    except (OSError, ValueError) as error:
        raise _not_usable("RABBITMQ_URL", _BROKER, url, error) from error


def _not_usable(variable: str, example: str, url: str, error: Exception) -> StackProblem:
    return StackProblem(
        f"{variable} is set, and {without_password(url)} cannot be used: {str(error) or type(error).__name__}",
        remedy=f"Mend it, for example {variable}={example}, or unset it for a private server.",
    )

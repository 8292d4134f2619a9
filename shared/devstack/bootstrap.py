"""Roles, schemas and rights in Postgres, from the register: the admin step that must come before the first migration.

For each subgraph a role that owns its schema and migrates it, and a run-time role that reads and writes the rows of
that schema: nothing else, no DDL. Everything is stated anew on each run, so a second run changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import asyncpg

from shared.devstack.addresses import with_path
from shared.devstack.passwords import migration_role
from shared.register import Register, Subgraph

DATABASE = "marketplace"
EXTENSIONS = ("pg_trgm", "unaccent")


async def bootstrap(
    register: Register, *, admin_url: str, passwords: Mapping[str, str], database: str = DATABASE
) -> None:
    """`admin_url` is an administrator's; `passwords` are by role. Idempotent."""
    async with connection_to(admin_url) as admin:
        for subgraph in register.subgraphs:
            await _ensure_role(admin, subgraph.name, passwords[subgraph.name])
            await _ensure_role(admin, migration_role(subgraph.name), passwords[migration_role(subgraph.name)])
            await _set_role_defaults(admin, subgraph)
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
            await admin.execute(f'CREATE DATABASE "{database}"')
        await grant_connection(admin, register, database)
    async with connection_to(with_path(admin_url, database)) as inside:
        await _ensure_extensions(inside)
        for subgraph in register.subgraphs:
            await _ensure_schema(inside, subgraph)


async def grant_connection(admin: Connection, register: Register, database: str) -> None:
    """Lets the register's roles and nobody else into the database. A copy of a database needs it anew."""
    roles = ", ".join(f'"{s.name}", "{migration_role(s.name)}"' for s in register.subgraphs)
    await admin.execute(f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC')
    await admin.execute(f'GRANT CONNECT ON DATABASE "{database}" TO {roles}')


async def copy_database(register: Register, *, admin_url: str, template: str, name: str) -> None:
    """A copy of a migrated database, with the same roles and rights. Nobody may be connected to the template."""
    async with connection_to(admin_url) as admin:
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        await grant_connection(admin, register, name)


async def drop_database(*, admin_url: str, name: str) -> None:
    """Removes it, cutting whoever is connected."""
    async with connection_to(admin_url) as admin:
        await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def protect_migration_table(register: Register, *, admin_url: str, database: str = DATABASE) -> None:
    """The run-time role may read which migrations have run, and not rewrite that history."""
    async with connection_to(with_path(admin_url, database)) as inside:
        for subgraph in register.subgraphs:
            name = subgraph.name
            await inside.execute(f'REVOKE ALL ON "{name}".schema_migrations FROM "{name}"')
            await inside.execute(f'GRANT SELECT ON "{name}".schema_migrations TO "{name}"')


class Connection(Protocol):
    """What this module uses of asyncpg, which ships no types."""

    async def execute(self, query: str, *args: object) -> str: ...
    async def fetchval(self, query: str, *args: object) -> Any: ...


@asynccontextmanager
async def _connected(url: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def connection_to(url: str) -> AbstractAsyncContextManager[Connection]:
    return _connected(url)


async def _ensure_role(admin: Connection, role: str, password: str) -> None:
    if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        await admin.execute(f'CREATE ROLE "{role}"')
    # Utility statements take no parameters: the server quotes the password for us.
    quoted = await admin.fetchval("SELECT quote_literal($1::text)", password)
    await admin.execute(f'ALTER ROLE "{role}" LOGIN INHERIT NOCREATEDB NOCREATEROLE PASSWORD {quoted}')


async def _set_role_defaults(admin: Connection, subgraph: Subgraph) -> None:
    for role in (subgraph.name, migration_role(subgraph.name)):
        await admin.execute(f'ALTER ROLE "{role}" SET search_path = "{subgraph.name}", extensions')
        await admin.execute(f"ALTER ROLE \"{role}\" SET timezone = 'UTC'")
    # A migration that waits for a lock makes everybody behind it wait: it gives up early and is run again.
    await admin.execute(f"ALTER ROLE \"{migration_role(subgraph.name)}\" SET lock_timeout = '5s'")
    await admin.execute(f"ALTER ROLE \"{subgraph.name}\" SET idle_in_transaction_session_timeout = '60s'")


async def _ensure_extensions(inside: Connection) -> None:
    await inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    await inside.execute("CREATE SCHEMA IF NOT EXISTS extensions")
    await inside.execute("GRANT USAGE ON SCHEMA extensions TO PUBLIC")
    for extension in EXTENSIONS:
        await inside.execute(f'CREATE EXTENSION IF NOT EXISTS "{extension}" SCHEMA extensions')


async def _ensure_schema(inside: Connection, subgraph: Subgraph) -> None:
    schema, owner = subgraph.name, migration_role(subgraph.name)
    if not await inside.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        # An administrator that is no superuser (managed Postgres) acts for a role only as its member.
        await inside.execute(f'GRANT "{owner}" TO CURRENT_USER')
    await inside.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}" AUTHORIZATION "{owner}"')
    await inside.execute(f'GRANT USAGE ON SCHEMA "{schema}" TO "{schema}"')
    # Postgres lets everybody call a function; that a schema is closed would be the only wall before it.
    await inside.execute(f'REVOKE ALL ON ALL ROUTINES IN SCHEMA "{schema}" FROM PUBLIC')
    await inside.execute(f'ALTER DEFAULT PRIVILEGES FOR ROLE "{owner}" REVOKE ALL ON ROUTINES FROM PUBLIC')
    defaults = f'ALTER DEFAULT PRIVILEGES FOR ROLE "{owner}" IN SCHEMA "{schema}" GRANT'
    await inside.execute(f'{defaults} SELECT, INSERT, UPDATE, DELETE ON TABLES TO "{schema}"')
    await inside.execute(f'{defaults} USAGE, SELECT ON SEQUENCES TO "{schema}"')
    await inside.execute(f'{defaults} EXECUTE ON FUNCTIONS TO "{schema}"')

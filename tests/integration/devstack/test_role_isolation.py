"""Each run-time role reads and writes the rows of its own schema and can do nothing else."""

from __future__ import annotations

from collections.abc import Callable

import asyncpg
import pytest

from shared.devstack.bootstrap import bootstrap
from shared.devstack.migrate import dbmate, migrate
from shared.register import load_register
from shared.testing.servers import DomainDatabase, MarketplaceDatabase, Servers, run_apart

NAMES = [subgraph.name for subgraph in load_register().subgraphs]
DatabaseFor = Callable[[str], DomainDatabase]


async def outcome(url: str, statement: str) -> str:
    """`ok`, or the name of the refusal."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    except asyncpg.PostgresError as refusal:
        return type(refusal).__name__
    else:
        return "ok"
    finally:
        await connection.close()


@pytest.mark.parametrize("domain", NAMES)
async def test_a_run_time_role_reads_its_own_schema_and_no_other(domain: str, database_for: DatabaseFor) -> None:
    url = database_for(domain).url
    answers = {other: await outcome(url, f"SELECT * FROM {other}.outbox") for other in NAMES}

    refused = dict.fromkeys(NAMES, "InsufficientPrivilegeError")
    assert answers == refused | {domain: "ok"}


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE accounts.intruder (id int)",
        "CREATE TABLE public.intruder (id int)",
        "CREATE TEMPORARY TABLE intruder (id int)",
        "CREATE SCHEMA intruder",
        "CREATE EXTENSION pgcrypto",
        "CREATE FUNCTION accounts.intruder() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE accounts.outbox ADD COLUMN intruder int",
        "DROP TABLE accounts.outbox",
        "TRUNCATE accounts.outbox",
        "CREATE INDEX intruder ON accounts.outbox (position)",
        "CREATE ROLE intruder",
        "CREATE DATABASE intruder",
        "DELETE FROM accounts.schema_migrations",
        "SET ROLE accounts_migrate",
        "SELECT pg_read_file('/etc/passwd')",
    ],
)
async def test_a_run_time_role_changes_no_structure(statement: str, database_for: DatabaseFor) -> None:
    refusal = await outcome(database_for("accounts").url, statement)

    # ALTER, DROP and CREATE INDEX ask for ownership, which the same refusal reports.
    assert refusal == "InsufficientPrivilegeError"


async def test_a_run_time_role_writes_rows_under_its_own_search_path(database_for: DatabaseFor) -> None:
    connection = await asyncpg.connect(database_for("accounts").url)
    try:
        await connection.execute(
            "INSERT INTO inbox (consumer, event_id, event_name) VALUES ('c', gen_random_uuid(), 'user.registered')"
        )
        await connection.execute("UPDATE inbox SET consumer = 'd'")
        assert await connection.fetchval("SELECT count(*) FROM inbox WHERE consumer = 'd'") == 1
        await connection.execute("DELETE FROM inbox")
        assert await connection.fetchval("SHOW search_path") == "accounts, extensions"
    finally:
        await connection.close()


async def test_a_migration_role_does_not_wait_long_for_a_lock(database_for: DatabaseFor) -> None:
    connection = await asyncpg.connect(database_for("orders").migrate_url)
    try:
        assert await connection.fetchval("SHOW lock_timeout") == "5s"
    finally:
        await connection.close()


async def test_a_migration_role_does_not_touch_another_schema(database_for: DatabaseFor) -> None:
    refusal = await outcome(database_for("orders").migrate_url, "SELECT * FROM accounts.outbox")

    assert refusal == "InsufficientPrivilegeError"


async def test_a_second_bootstrap_and_migration_keep_what_is_there(
    servers: Servers, database: MarketplaceDatabase, database_for: DatabaseFor
) -> None:
    connection = await asyncpg.connect(database_for("audit").url)
    try:
        await connection.execute(
            "INSERT INTO inbox (consumer, event_id, event_name) VALUES ('kept', gen_random_uuid(), 'user.registered')"
        )
        logins = servers.passwords.postgres

        run_apart(bootstrap(servers.register, admin_url=database.admin_url, passwords=logins, database=database.name))
        migrate(servers.register, admin_url=database.admin_url, passwords=logins, database=database.name)

        assert await connection.fetchval("SELECT count(*) FROM inbox WHERE consumer = 'kept'") == 1
    finally:
        await connection.close()


@pytest.mark.parametrize("domain", NAMES)
async def test_the_migrations_of_a_schema_run_up_down_and_up(
    domain: str, servers: Servers, database_for: DatabaseFor
) -> None:
    subgraph, url = servers.register.get(domain), database_for(domain).migrate_url
    files = sorted(subgraph.migrations.glob("*.sql"))

    for _ in files:
        dbmate(subgraph, "rollback", url=url)
    connection = await asyncpg.connect(url)
    try:
        tables = "SELECT array_agg(tablename::text) FROM pg_tables WHERE schemaname = $1"
        assert await connection.fetchval(tables, domain) == ["schema_migrations"]
        dbmate(subgraph, "migrate", url=url)
        assert await connection.fetchval("SELECT count(*) FROM schema_migrations") == len(files)
    finally:
        await connection.close()

"""What the roles of a schema are given, and keep through a second bootstrap; what they may not: `tests/integration/rights`."""

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

"""Who may do what in Postgres: every role of the register against every schema, by real attempts and by the catalogue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

from shared.devstack.passwords import migration_role
from shared.register import load_register
from shared.testing.servers import DomainDatabase, MarketplaceDatabase
from tests.integration.rights import catalogue
from tests.integration.rights.attempts import (
    not_refused,
    on_server,
    on_table,
    structure_of_schema,
    structure_of_table,
)

SCHEMAS = [subgraph.name for subgraph in load_register().subgraphs]
ROLES = [role for schema in SCHEMAS for role in (schema, migration_role(schema))]
DatabaseFor = Callable[[str], DomainDatabase]

WRITTEN_ONCE = {
    "audit": {"audit_entry"},
    "inventory": {"stock_movement", "cancelled_line"},
    "orders": {"state_transition"},
    "payments": {"posting", "journal_entry", "provider_event", "refund_line", "payout_item"},
}
"""History: what a run-time role may add to and read, and never change."""

NEVER_DELETED = {
    "inventory": {"stock_item", "stock_location", "reservation", "reservation_line"},
    "orders": {"order_group", "customer_order", "order_line", "shipment", "shipment_line", "refund_fact"},
    "payments": {
        *("payable_group", "payable_order", "payable_item"),
        *("payment", "payment_attempt", "refund", "ledger_account", "payout"),
    },
}


@dataclass(frozen=True, slots=True)
class Attempts:
    """What to try on the rows of a schema, and on its structure."""

    rows: list[str] = field(default_factory=list)
    structure: list[str] = field(default_factory=list)


def schema_of(role: str) -> str:
    return role.removesuffix("_migrate")


def url_of(role: str, database_for: DatabaseFor) -> str:
    domain = database_for(schema_of(role))
    return domain.url if role in SCHEMAS else domain.migrate_url


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture(scope="module")
async def attempts(database: MarketplaceDatabase) -> dict[str, Attempts]:
    """By schema, for every table, sequence and function that the migrations have made there."""
    found = {schema: Attempts() for schema in SCHEMAS}
    async with connected(database.admin_url) as admin:
        for schema, table, column in await admin.fetch(catalogue.TABLES, SCHEMAS):
            found[schema].rows.extend(on_table(schema, table, column))
            found[schema].structure.extend(structure_of_table(schema, table))
        for schema, each in found.items():
            each.rows.extend(f"SELECT {call}" for call in await admin.fetchval(catalogue.CALLS, schema))
            each.structure.extend(structure_of_schema(schema))
    return found


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_touches_no_schema_but_its_own(
    role: str, attempts: dict[str, Attempts], database_for: DatabaseFor
) -> None:
    foreign = [each for schema, each in attempts.items() if schema != schema_of(role)]
    everything = [attempt for each in foreign for attempt in (*each.rows, *each.structure)]
    async with connected(url_of(role, database_for)) as connection:
        assert await not_refused(connection, everything) == {}
    assert len(everything) > 1000, "every table of eight schemas"


@pytest.mark.parametrize("schema", SCHEMAS)
async def test_a_run_time_role_changes_no_structure_of_its_own_schema_either(
    schema: str, attempts: dict[str, Attempts], database_for: DatabaseFor
) -> None:
    async with connected(database_for(schema).url) as connection:
        assert await not_refused(connection, attempts[schema].structure) == {}


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_reaches_nothing_beyond_the_schemas(role: str, database_for: DatabaseFor) -> None:
    others = [other for other in (*ROLES, "postgres") if other != role]
    database = database_for("orders").name
    async with connected(url_of(role, database_for)) as connection:
        assert await not_refused(connection, on_server(role, database, others)) == {}
        # A server refuses these inside of any transaction, so each is tried alone.
        for attempt in ("CREATE DATABASE intruder", f'DROP DATABASE "{database}"', "ALTER SYSTEM SET jit = on"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(attempt)


@pytest.fixture(scope="module")
async def after_grants(database: MarketplaceDatabase, database_for: DatabaseFor) -> MarketplaceDatabase:
    """Every run-time role has tried to give away what it has. It is only warned: nothing may have come of that."""
    for role in SCHEMAS:
        async with connected(database_for(role).url) as connection:
            for what in ("ALL TABLES IN SCHEMA", "ALL SEQUENCES IN SCHEMA", "ALL ROUTINES IN SCHEMA", "SCHEMA"):
                with suppress(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(f'GRANT ALL ON {what} "{role}" TO PUBLIC')
            await connection.execute(f'GRANT ALL ON DATABASE "{database.name}" TO PUBLIC')
    return database


async def test_the_catalogue_knows_of_no_right_outside_of_a_roles_own_schema(after_grants: MarketplaceDatabase) -> None:
    async with connected(after_grants.admin_url) as admin:
        found = [
            *await admin.fetch(catalogue.TABLE_RIGHTS, ROLES, SCHEMAS),
            *await admin.fetch(catalogue.OTHER_RIGHTS, ROLES, SCHEMAS),
        ]
        everybodys = await admin.fetch(catalogue.PUBLIC_RIGHTS, SCHEMAS)
        attributes = {row["role"]: tuple(row)[1:] for row in await admin.fetch(catalogue.ATTRIBUTES, ROLES, SCHEMAS)}
        strangers = await admin.fetch("SELECT rolname FROM pg_roles WHERE rolname IN ('gateway', 'evictor')")
    assert {row["role"] for row in found} == set(ROLES)
    assert [row for row in found if row["schema"] != schema_of(row["role"])] == []
    assert everybodys == []
    # Logs in, may nothing on the server, is nobody's member; makes nothing in the database, nor in any schema but its own.
    assert attributes == dict.fromkeys(ROLES, (True, False, False))
    assert strangers == [], "neither has anything to do with Postgres"


async def test_a_run_time_role_has_rows_to_write_and_of_history_less(after_grants: MarketplaceDatabase) -> None:
    async with connected(after_grants.admin_url) as admin:
        tables = await admin.fetch(catalogue.TABLE_RIGHTS, SCHEMAS, SCHEMAS)
        others = await admin.fetch(catalogue.OTHER_RIGHTS, SCHEMAS, SCHEMAS)
    rows = {"SELECT", "INSERT", "UPDATE", "DELETE"}
    assert [table for table in tables if not set(table["rights"]) <= rows] == []
    less = {(row["schema"], row["object"]): set(row["rights"]) for row in tables if set(row["rights"]) != rows}
    expected = {(schema, "schema_migrations"): {"SELECT"} for schema in SCHEMAS}
    for named, left in ((WRITTEN_ONCE, rows - {"UPDATE", "DELETE"}), (NEVER_DELETED, rows - {"DELETE"})):
        expected |= {(schema, table): left for schema, names in named.items() for table in names}
    assert less == expected
    assert {row["right"].split()[-1] for row in others if row["right"].startswith("schema")} == {"USAGE"}
    assert {row["right"].split()[-1] for row in others if row["right"].startswith("sequence")} == {"USAGE", "SELECT"}


async def test_nobody_reads_what_another_asks_of_the_server_nor_ends_it(database_for: DatabaseFor) -> None:
    # given a session whose last statement holds something that only its role may know
    asked = "SELECT query FROM pg_stat_activity WHERE pid = $1"
    async with connected(database_for("orders").session_url) as watched:
        pid = await watched.fetchval("SELECT pg_backend_pid() AS a_secret")
        async with connected(database_for("orders").url) as own:
            assert "a_secret" in await own.fetchval(asked, pid)
        # when each other role looks at it or reaches for it, then it sees nothing, and nothing happens
        for role in (role for role in ROLES if role != "orders"):
            async with connected(url_of(role, database_for)) as connection:
                assert await connection.fetchval(asked, pid) == "<insufficient privilege>"
                reach = ("pg_cancel_backend", "pg_terminate_backend", "pg_log_backend_memory_contexts")
                assert await not_refused(connection, [f"SELECT {call}({pid})" for call in reach]) == {}


async def test_nobody_reads_anothers_large_object(database_for: DatabaseFor) -> None:
    async with connected(database_for("orders").url) as owner:
        number = await owner.fetchval("SELECT lo_from_bytea(0, 'a secret')")
        for role in (role for role in ROLES if role != "orders"):
            async with connected(url_of(role, database_for)) as connection:
                calls = (f"lo_get({number})", f"lo_put({number}, 0, 'x')", f"lo_unlink({number})")
                assert await not_refused(connection, [f"SELECT {call}" for call in calls]) == {}
        await owner.execute(f"SELECT lo_unlink({number})")

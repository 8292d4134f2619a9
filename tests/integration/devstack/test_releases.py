"""During a rolling update two releases run on one schema: both must find in it what they use."""

from __future__ import annotations

from typing import Any

import asyncpg

from shared.devstack.released import mapped_columns, overlap_problems, read_releases, tables_of
from shared.register import load_register
from shared.testing.servers import MarketplaceDatabase


async def test_the_last_release_and_this_one_both_run_on_the_migrated_schemas(database: MarketplaceDatabase) -> None:
    connection = await asyncpg.connect(database.admin_url)
    try:
        for name, release in read_releases().items():
            tables = await tables_of(connection, name)
            assert overlap_problems(release, tables) == [], name
            named = {(table, column) for table, columns in release.tables.items() for column in columns}
            assert len(named) > 40, name
        for subgraph in load_register().subgraphs:
            tables = await tables_of(connection, subgraph.name)
            present = {table: frozenset(columns) for table, columns in tables.items()}
            missing = {t: c - present.get(t, frozenset()) for t, c in mapped_columns(subgraph).items()}
            assert not any(missing.values()), missing
    finally:
        await connection.close()


async def test_a_schema_that_the_last_release_could_not_run_on_is_told(database: MarketplaceDatabase) -> None:
    # given migrations that drop, rename, change and demand what the running code does not know of
    statements = """
        SET search_path = catalog;
        ALTER TABLE product DROP COLUMN title CASCADE;
        ALTER TABLE variant RENAME TO article;
        ALTER TABLE product ALTER COLUMN version TYPE numeric;
        ALTER TABLE category ADD COLUMN colour text NOT NULL, ADD COLUMN size int NOT NULL DEFAULT 1, ADD COLUMN x int;
    """
    connection: Any = await asyncpg.connect(database.admin_url)
    try:
        await connection.execute(f"BEGIN; {statements}")
        problems = overlap_problems(read_releases()["catalog"], await tables_of(connection, "catalog"))
    finally:
        await connection.close()
    # then each of them is named, and what hurts nobody is not
    assert sorted(problems) == [
        "category.colour: the last release writes rows without this column, and it is neither null nor has a default",
        "product.title: the last release uses this column",
        "product.version: is numeric and was bigint when the last release was made",
        "variant: the last release uses this table",
    ]

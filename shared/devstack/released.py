"""What the last release's code uses of each schema, kept in `migrations/released.json`: a new schema must still fit it.

During a rolling update the last release's processes run on the new schema beside the new ones. So a table or column may go,
change its name or its type only once a release is out whose code no longer names it. A release writes the file anew from
its own models and the schema it has migrated to: `./task migrations:release`, against a running stack.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import MetaData

from shared.devstack.addresses import with_path
from shared.devstack.bootstrap import DATABASE, Connection, connection_to
from shared.devstack.migration_lint import Problem, fingerprint
from shared.register import PROJECT_ROOT, Register, Subgraph, load_register

RELEASED_FILE = PROJECT_ROOT / "migrations" / "released.json"

# Partitions are their parent's, and dbmate's own table is nobody's.
_COLUMNS = """
    SELECT coalesce(json_object_agg(name, columns), '{}')::text FROM (
        SELECT t.relname AS name, json_object_agg(a.attname, json_build_object(
            'type', format_type(a.atttypid, a.atttypmod),
            'optional', NOT a.attnotnull OR a.atthasdef OR a.attidentity <> ''
        ) ORDER BY a.attname) AS columns
        FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE t.relnamespace = $1::text::regnamespace AND t.relkind IN ('r', 'p') AND NOT t.relispartition
          AND t.relname <> 'schema_migrations'
        GROUP BY t.relname ORDER BY t.relname) AS listed
"""


@dataclass(frozen=True, slots=True)
class Column:
    """`optional`: a row may be written without it."""

    type: str
    optional: bool


Tables = Mapping[str, Mapping[str, Column]]


@dataclass(frozen=True, slots=True)
class Release:
    """Of one schema: `migrations` are the files that had run, with their fingerprints; `tables` what the code uses."""

    migrations: Mapping[str, str]
    tables: Mapping[str, Mapping[str, str]]


def read_releases(file: Path = RELEASED_FILE) -> dict[str, Release]:
    """By schema; one that is not in it was never released."""
    return {name: Release(**entry) for name, entry in json.loads(file.read_text(encoding="utf-8")).items()}


def pending(folder: Path, release: Release) -> list[Path]:
    """The migrations that the release has not run, in their order."""
    return [file for file in sorted(folder.glob("*.sql")) if file.name not in release.migrations]


def history_problems(folder: Path, release: Release) -> list[Problem]:
    """What has run in production is history: it stays as it is, and nothing comes before it."""
    problems: list[Problem] = []
    for name, known in release.migrations.items():
        file = folder / name
        if not file.exists() or fingerprint(file) != known:
            problems.append(Problem(file, 1, "rewrites-history", "It is released: write another one instead."))
    latest = max(release.migrations, default="")
    problems += [
        Problem(file, 1, "comes-too-early", f"Its moment is before {latest}, which is released.")
        for file in pending(folder, release)
        if file.name < latest
    ]
    return problems


def overlap_problems(release: Release, tables: Tables) -> list[str]:
    """Why the release's code would fail on a schema that has `tables`; empty where it would not."""
    problems: list[str] = []
    for table, columns in release.tables.items():
        present = tables.get(table)
        if present is None:
            problems.append(f"{table}: the last release uses this table")
            continue
        for name, type_ in columns.items():
            column = present.get(name)
            if column is None:
                problems.append(f"{table}.{name}: the last release uses this column")
            elif column.type != type_:
                problems.append(f"{table}.{name}: is {column.type} and was {type_} when the last release was made")
        problems += [
            f"{table}.{name}: the last release writes rows without this column, and it is neither null nor has a default"
            for name, column in present.items()
            if name not in columns and not column.optional
        ]
    return problems


def used_tables(subgraph: Subgraph, tables: Tables) -> dict[str, dict[str, str]]:
    """Of the schema's tables what today's code names: what its models map, and all of the delivery tables."""
    mapped = mapped_columns(subgraph)
    return {
        table: {name: column.type for name, column in columns.items() if name in mapped.get(table, columns)}
        for table, columns in tables.items()
    }


def mapped_columns(subgraph: Subgraph) -> dict[str, frozenset[str]]:
    """By table, what today's models map."""
    models = importlib.import_module(f"subgraphs.{subgraph.name}.models")
    return {
        table.name: frozenset(table.columns.keys())
        for metadata in vars(models).values()
        if isinstance(metadata, MetaData)
        for table in metadata.tables.values()
    }


async def tables_of(inside: Connection, schema: str) -> Tables:
    """What the schema has now."""
    found: dict[str, dict[str, dict[str, str | bool]]] = json.loads(await inside.fetchval(_COLUMNS, schema))
    return {
        table: {name: Column(str(column["type"]), bool(column["optional"])) for name, column in columns.items()}
        for table, columns in found.items()
    }


async def releases_now(register: Register, admin_url: str) -> dict[str, Release]:
    """What a release of today's code, on the schemas of that database, would be."""
    async with connection_to(admin_url) as inside:
        return {
            subgraph.name: Release(
                {file.name: fingerprint(file) for file in sorted(subgraph.migrations.glob("*.sql"))},
                used_tables(subgraph, await tables_of(inside, subgraph.name)),
            )
            for subgraph in register.subgraphs
        }


def write_releases(releases: Mapping[str, Release], file: Path = RELEASED_FILE) -> None:
    document = {name: {"migrations": r.migrations, "tables": r.tables} for name, r in releases.items()}
    file.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def main() -> None:
    """`./task migrations:release`."""
    url = with_path(os.environ["POSTGRES_ADMIN_URL"], DATABASE)
    write_releases(asyncio.run(releases_now(load_register(), url)))


if __name__ == "__main__":
    main()

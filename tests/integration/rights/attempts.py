"""What somebody who holds a role's password would try. Each attempt is made for real, and undone where it succeeds."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

_TRY_ALL = """
DO $try$
DECLARE
    attempt text;
    outcomes jsonb := '{}';
BEGIN
    FOR attempt IN SELECT jsonb_array_elements_text(%(attempts)s) LOOP
        BEGIN
            EXECUTE attempt;
            RAISE EXCEPTION USING ERRCODE = 'RIGHT';
        EXCEPTION WHEN OTHERS THEN
            IF SQLSTATE <> '42501' THEN -- insufficient_privilege; all else would not be about rights
                outcomes := outcomes || jsonb_build_object(attempt, CASE SQLSTATE WHEN 'RIGHT' THEN 'ok' ELSE SQLSTATE END);
            END IF;
        END;
    END LOOP;
    PERFORM set_config('attempts.outcomes', outcomes::text, false);
END
$try$
"""


async def not_refused(connection: Any, attempts: Iterable[str]) -> dict[str, str]:
    """Those that were not refused for want of a right: `ok`, or what else they failed of. All are tried in one go."""
    quoted = await connection.fetchval("SELECT quote_literal($1::text) || '::jsonb'", json.dumps(list(attempts)))
    await connection.execute(_TRY_ALL % {"attempts": quoted})
    outcomes: dict[str, str] = json.loads(await connection.fetchval("SELECT current_setting('attempts.outcomes')"))
    return outcomes


def on_table(schema: str, table: str, column: str) -> list[str]:
    """What reads or writes its rows; `column` is one that may be written."""
    name = f'"{schema}"."{table}"'
    return [
        f"SELECT FROM {name} LIMIT 0",
        f"SELECT FROM {name} LIMIT 0 FOR UPDATE",
        f"INSERT INTO {name} DEFAULT VALUES",
        f'UPDATE {name} SET "{column}" = NULL WHERE false',
        f"DELETE FROM {name} WHERE false",
        f"MERGE INTO {name} USING (SELECT 1) AS one ON false WHEN MATCHED THEN DELETE",
        f"COPY {name} TO PROGRAM 'true'",
        f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE",
    ]


def structure_of_table(schema: str, table: str) -> list[str]:
    """What changes a table, or who may use it."""
    name = f'"{schema}"."{table}"'
    return [
        f"TRUNCATE {name}",
        f"ALTER TABLE {name} ADD COLUMN intruder int",
        f"ALTER TABLE {name} DISABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {name} DISABLE TRIGGER ALL",
        f"ALTER TABLE {name} OWNER TO CURRENT_USER",
        f"CREATE INDEX intruder ON {name} ((1))",
        f"CREATE TRIGGER intruder BEFORE UPDATE ON {name} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        f"CREATE POLICY intruder ON {name} USING (true)",
        f"CREATE RULE intruder AS ON DELETE TO {name} DO INSTEAD NOTHING",
        f'CREATE STATISTICS "{schema}".intruder ON (1), (2) FROM {name}',
        f"COMMENT ON TABLE {name} IS 'intruder'",
        f"DROP TABLE {name} CASCADE",
    ]


def structure_of_schema(schema: str) -> list[str]:
    """What adds to a schema, or removes it."""
    return [
        f'CREATE TABLE "{schema}".intruder (id int)',
        f'CREATE TABLE intruder (id uuid REFERENCES "{schema}".outbox)',
        f'CREATE VIEW "{schema}".intruder AS SELECT 1',
        f'CREATE MATERIALIZED VIEW "{schema}".intruder AS SELECT 1',
        f'CREATE SEQUENCE "{schema}".intruder',
        f'CREATE TYPE "{schema}".intruder AS ENUM ()',
        f"CREATE FUNCTION \"{schema}\".intruder() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        f'CREATE OPERATOR "{schema}".=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)',
        f'ALTER SCHEMA "{schema}" RENAME TO intruder',
        f'DROP SCHEMA "{schema}" CASCADE',
    ]


def on_server(role: str, database: str, others: Iterable[str]) -> list[str]:
    """What reaches beyond all schemas: other roles, other databases, files, programs, the server itself."""
    on_roles = [
        attempt
        for other in others
        for attempt in (
            f'SET ROLE "{other}"',
            f'SET SESSION AUTHORIZATION "{other}"',
            f"ALTER ROLE \"{other}\" PASSWORD 'intruder'",
            f'ALTER ROLE "{other}" SUPERUSER',
            f'GRANT "{other}" TO "{role}"',
            f'ALTER DEFAULT PRIVILEGES FOR ROLE "{other}" GRANT SELECT ON TABLES TO "{role}"',
            f'REASSIGN OWNED BY "{other}" TO "{role}"',
        )
    ]
    return [
        *on_roles,
        f'ALTER ROLE "{role}" SUPERUSER',
        f'ALTER ROLE "{role}" CREATEROLE',
        f'ALTER ROLE "{role}" BYPASSRLS',
        f'GRANT pg_read_all_data TO "{role}"',
        "CREATE ROLE intruder",
        "CREATE SCHEMA intruder",
        "CREATE TEMPORARY TABLE intruder (id int)",
        "CREATE TABLE public.intruder (id int)",
        "CREATE TABLE extensions.intruder (id int)",
        "CREATE FUNCTION extensions.intruder() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DROP EXTENSION pg_trgm CASCADE",
        *(
            f"CREATE EXTENSION {name}"
            for name in ("dblink", "postgres_fdw", "file_fdw", "pgcrypto", "pg_stat_statements")
        ),
        "CREATE PUBLICATION intruder",
        "CREATE EVENT TRIGGER intruder ON ddl_command_end EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        f"ALTER DATABASE \"{database}\" SET log_statement = 'all'",
        f'ALTER DATABASE "{database}" OWNER TO "{role}"',
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_ls_dir('.')",
        "SELECT lo_import('/etc/passwd')",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "COPY (SELECT 1) TO '/tmp/intruder'",
        "SELECT rolpassword FROM pg_authid",
        "SELECT passwd FROM pg_shadow",
        "SELECT pg_reload_conf()",
        "SELECT pg_rotate_logfile()",
        "SELECT pg_switch_wal()",
        "SELECT pg_create_physical_replication_slot('intruder')",
        "SELECT * FROM pg_hba_file_rules",
        "SELECT setval(s.oid::regclass, 1) FROM pg_class s WHERE s.relkind = 'S'",
        "SET log_statement = 'none'",
        "SET session_replication_role = 'replica'",
    ]

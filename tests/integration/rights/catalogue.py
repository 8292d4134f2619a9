"""Questions to Postgres's own catalogue. Where a right comes from does not matter: it answers what holds in the end."""

from __future__ import annotations

TABLES = """
    SELECT n.nspname AS schema, c.relname AS name, (
        SELECT a.attname FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.attidentity = '' AND a.attgenerated = ''
        ORDER BY a.attnum LIMIT 1
    ) AS column
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY($1) AND c.relkind IN ('r', 'p') AND (NOT c.relispartition OR c.relname = 'event_log_default')
"""
"""The tables of some schemas, each with a column that may be written. Of the months of the event log one stands for all."""

CALLS = """
    SELECT array_agg(call) FROM (
        SELECT format('nextval(%L)', $1::text || '.' || relname) AS call
        FROM pg_class WHERE relnamespace = $1::text::regnamespace AND relkind = 'S'
        UNION ALL
        SELECT format('%I.%I(%s)', $1::text, proname,
                      array_to_string(array_fill('NULL'::text, ARRAY[pronargs::int]), ', '))
        FROM pg_proc WHERE pronamespace = $1::text::regnamespace
    ) AS calls
"""
"""A call of each function of a schema, and of its sequences."""

TABLE_RIGHTS = """
    SELECT r.rolname AS role, n.nspname AS schema, c.relname AS object, array_agg(p.name ORDER BY p.name) AS rights
    FROM pg_roles r
    CROSS JOIN pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN unnest(ARRAY[
        'SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN'
    ]) AS p (name)
    WHERE r.rolname = ANY($1) AND n.nspname = ANY($2) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND CASE WHEN p.name IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
               THEN has_any_column_privilege(r.oid, c.oid, p.name) ELSE has_table_privilege(r.oid, c.oid, p.name) END
    GROUP BY 1, 2, 3
"""

OTHER_RIGHTS = """
    SELECT r.rolname AS role, n.nspname AS schema, 'sequence ' || c.relname || ' ' || p.name AS right
    FROM pg_roles r CROSS JOIN pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) AS p (name)
    WHERE r.rolname = ANY($1) AND n.nspname = ANY($2)
      AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(r.oid, c.oid, p.name) ELSE false END
    UNION ALL
    SELECT r.rolname, n.nspname, 'function ' || f.proname || ' EXECUTE'
    FROM pg_roles r CROSS JOIN pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace
    WHERE r.rolname = ANY($1) AND n.nspname = ANY($2) AND has_function_privilege(r.oid, f.oid, 'EXECUTE')
    UNION ALL
    SELECT r.rolname, n.nspname, 'schema ' || p.name
    FROM pg_roles r CROSS JOIN pg_namespace n CROSS JOIN unnest(ARRAY['USAGE', 'CREATE']) AS p (name)
    WHERE r.rolname = ANY($1) AND n.nspname = ANY($2) AND has_schema_privilege(r.oid, n.oid, p.name)
"""

PUBLIC_RIGHTS = """
    SELECT n.nspname AS schema, o.name, (aclexplode(o.acl)).privilege_type
    FROM pg_namespace n
    CROSS JOIN LATERAL (
        SELECT n.nspname::text AS name, n.nspacl AS acl
        UNION ALL SELECT relname, relacl FROM pg_class WHERE relnamespace = n.oid
        UNION ALL SELECT proname, COALESCE(proacl, acldefault('f', proowner)) FROM pg_proc WHERE pronamespace = n.oid
    ) AS o
    WHERE n.nspname = ANY($1) AND EXISTS (SELECT 1 FROM aclexplode(o.acl) AS given WHERE given.grantee = 0)
"""
"""What everybody may, in some schemas."""

ATTRIBUTES = """
    SELECT r.rolname AS role,
           r.rolcanlogin
           AND NOT (r.rolsuper OR r.rolcreatedb OR r.rolcreaterole OR r.rolreplication OR r.rolbypassrls)
           AND NOT EXISTS (SELECT 1 FROM pg_auth_members m WHERE m.member = r.oid) AS humble,
           has_database_privilege(r.oid, current_database(), 'CREATE, TEMPORARY') AS makes,
           EXISTS (
               SELECT 1 FROM pg_namespace n
               WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> ALL($2) AND has_schema_privilege(r.oid, n.oid, 'CREATE')
           ) AS elsewhere
    FROM pg_roles r WHERE r.rolname = ANY($1)
"""
"""Whether a role is one that only logs in; whether it makes things in the database, or in a schema that is nobody's."""

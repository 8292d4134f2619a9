-- migrate:up

-- Append-only and hash-chained: each entry's hash covers the one before it.
CREATE TABLE audit_entry (
    position bigint PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    event_id uuid NOT NULL UNIQUE,
    action text NOT NULL,
    actor_id uuid,
    target_type text NOT NULL,
    target_id uuid NOT NULL,
    correlation_id text NOT NULL,
    details text NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    previous_hash text NOT NULL,
    hash text NOT NULL UNIQUE
);
CREATE INDEX audit_entry_action ON audit_entry (action, position DESC);
CREATE INDEX audit_entry_actor ON audit_entry (actor_id, position DESC);
CREATE INDEX audit_entry_target ON audit_entry (target_id, position DESC);
CREATE INDEX audit_entry_occurred_at ON audit_entry (occurred_at);

-- What the run-time role may not do, nor anybody by mistake.
REVOKE UPDATE, DELETE, TRUNCATE ON audit_entry FROM audit;
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END
$$;
CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE audit_entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_entry FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_entry_staff ON audit_entry USING (current_setting('app.role', true) = 'all');

-- migrate:down

DROP TABLE audit_entry;
DROP FUNCTION refuse_change();

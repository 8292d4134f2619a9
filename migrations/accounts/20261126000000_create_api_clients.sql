-- migrate:up

-- A partner's program. Its name is also its manifest's and stands in metrics, so it is never given twice.
CREATE TABLE api_client (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9-]{1,62}$'),
    scopes text[] NOT NULL CHECK (cardinality(scopes) <= 20),
    requests_per_minute integer NOT NULL CHECK (requests_per_minute >= 1),
    operations_per_day bigint CHECK (operations_per_day >= 1),
    operations_per_month bigint CHECK (operations_per_month >= 1),
    version bigint NOT NULL CHECK (version >= 1),
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX api_client_created_at ON api_client (created_at, id);

-- Of a key only its SHA-256. The key that is good until further notice has no end; the one it replaced has.
CREATE TABLE api_client_key (
    key_hash bytea PRIMARY KEY CHECK (length(key_hash) = 32),
    api_client_id uuid NOT NULL REFERENCES api_client (id),
    created_at timestamptz NOT NULL,
    expires_at timestamptz
);
CREATE UNIQUE INDEX api_client_key_current ON api_client_key (api_client_id) WHERE expires_at IS NULL;
CREATE INDEX api_client_key_expires_at ON api_client_key (expires_at);

-- migrate:down

DROP TABLE api_client_key;
DROP TABLE api_client;

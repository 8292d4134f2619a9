-- migrate:up

-- A person. An erased account keeps its id and nothing personal.
CREATE TABLE user_account (
    id uuid PRIMARY KEY,
    email text CHECK (length(email) BETWEEN 3 AND 254),
    display_name text CHECK (length(display_name) BETWEEN 1 AND 100),
    locale text NOT NULL,
    email_verified_at timestamptz,
    erased_at timestamptz,
    version bigint NOT NULL CHECK (version >= 1),
    created_at timestamptz NOT NULL,
    CHECK ((erased_at IS NULL) = (email IS NOT NULL)),
    CHECK ((erased_at IS NULL) = (display_name IS NOT NULL))
);
CREATE UNIQUE INDEX user_account_email ON user_account (lower(email));
CREATE INDEX user_account_created_at ON user_account (created_at, id);

-- Apart from the account, so that what the graph reads never holds a hash.
CREATE TABLE credential (
    user_id uuid PRIMARY KEY REFERENCES user_account (id),
    password_hash text NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    changed_at timestamptz NOT NULL
);

-- A revoked role stays as a row: an approval that is told again must not bring the seller role back.
CREATE TABLE user_role (
    user_id uuid NOT NULL REFERENCES user_account (id),
    role text NOT NULL CHECK (role IN ('customer', 'seller', 'support', 'finance', 'admin', 'partner')),
    seller_id uuid,
    seller_version bigint,
    granted_at timestamptz NOT NULL,
    revoked_at timestamptz,
    PRIMARY KEY (user_id, role),
    CHECK ((role = 'seller') = (seller_id IS NOT NULL)),
    CHECK ((role = 'seller') = (seller_version IS NOT NULL))
);
CREATE INDEX user_role_role ON user_role (role, user_id) WHERE revoked_at IS NULL;

-- A sign-in and all refresh tokens that came of it: the family. Only the newest token's SHA-256 is current.
CREATE TABLE session (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES user_account (id),
    token_hash bytea NOT NULL CHECK (length(token_hash) = 32),
    generation integer NOT NULL CHECK (generation >= 1),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CHECK (expires_at > created_at)
);
CREATE UNIQUE INDEX session_token_hash ON session (token_hash);
CREATE INDEX session_of_user ON session (user_id) WHERE revoked_at IS NULL;
CREATE INDEX session_expires_at ON session (expires_at);

-- Tokens that were rotated away: whoever shows one has kept a copy, or was robbed of one.
CREATE TABLE spent_refresh_token (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    session_id uuid NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    spent_at timestamptz NOT NULL
);
CREATE INDEX spent_refresh_token_session ON spent_refresh_token (session_id);

CREATE TABLE one_time_token (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    user_id uuid NOT NULL REFERENCES user_account (id),
    kind text NOT NULL CHECK (kind IN ('VERIFY_EMAIL', 'RESET_PASSWORD')),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX one_time_token_user ON one_time_token (user_id, kind) WHERE used_at IS NULL;
CREATE INDEX one_time_token_expires_at ON one_time_token (expires_at);

-- Failed proofs of a password. Both keys are SHA-256: of the lower-case address that was tried, known or not, and of
-- the client's network address where the gateway tells it.
CREATE TABLE login_attempt (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_key bytea NOT NULL CHECK (length(account_key) = 32),
    client_key bytea CHECK (length(client_key) = 32),
    failed_at timestamptz NOT NULL
);
CREATE INDEX login_attempt_account ON login_attempt (account_key, failed_at);
CREATE INDEX login_attempt_failed_at ON login_attempt (failed_at);

CREATE TABLE address (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES user_account (id),
    recipient text NOT NULL,
    line1 text NOT NULL,
    line2 text NOT NULL,
    postal_code text NOT NULL,
    city text NOT NULL,
    region text NOT NULL,
    country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    phone text NOT NULL,
    is_default boolean NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX address_user ON address (user_id, created_at, id);
CREATE UNIQUE INDEX address_default ON address (user_id) WHERE is_default;

-- The second wall: an address is its owner's and staff's.
ALTER TABLE address ENABLE ROW LEVEL SECURITY;
ALTER TABLE address FORCE ROW LEVEL SECURITY;
CREATE POLICY address_staff ON address USING (current_setting('app.role', true) = 'all');
CREATE POLICY address_owner ON address USING (user_id = NULLIF(current_setting('app.user_id', true), '')::uuid);

-- migrate:down

DROP TABLE address;
DROP TABLE login_attempt;
DROP TABLE one_time_token;
DROP TABLE spent_refresh_token;
DROP TABLE session;
DROP TABLE user_role;
DROP TABLE credential;
DROP TABLE user_account;

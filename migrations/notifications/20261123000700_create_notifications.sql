-- migrate:up

-- Where a user's mail goes. The address stays sealed until the moment of sending; an erasure leaves the bare id. A row
-- without address and version is a place to meet: whoever tells a user locks it, so that the address cannot slip by.
CREATE TABLE recipient (
    user_id uuid PRIMARY KEY,
    sealed_email text,
    locale text NOT NULL DEFAULT 'en',
    version bigint NOT NULL DEFAULT 0,
    erased_at timestamptz,
    CHECK (erased_at IS NULL OR sealed_email IS NULL)
);

-- Who is told what concerns a seller.
CREATE TABLE seller_owner (
    seller_id uuid PRIMARY KEY,
    owner_id uuid,
    version bigint NOT NULL DEFAULT 0
);

-- What somebody is told, in the app and by mail. `data` holds ids and figures; a secret that only the mail may show is
-- sealed, and wiped as soon as the mail has left or never will.
CREATE TABLE notification (
    id uuid PRIMARY KEY,
    dedupe_key text NOT NULL UNIQUE,
    user_id uuid,
    seller_id uuid,
    template text NOT NULL,
    data jsonb NOT NULL,
    status text NOT NULL CHECK (status IN ('WAITING_RECIPIENT', 'QUEUED', 'SENT', 'FAILED')),
    sealed_secret text,
    expires_at timestamptz,
    due_at timestamptz,
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    failure text,
    read_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    settled_at timestamptz,
    CHECK (user_id IS NOT NULL OR (seller_id IS NOT NULL AND status = 'WAITING_RECIPIENT')),
    CHECK (due_at IS NULL OR status = 'QUEUED'),
    CHECK (sealed_secret IS NULL OR status IN ('WAITING_RECIPIENT', 'QUEUED')),
    CHECK ((failure IS NOT NULL) = (status = 'FAILED')),
    CHECK ((settled_at IS NOT NULL) = (status IN ('SENT', 'FAILED')))
);
CREATE INDEX notification_user ON notification (user_id, created_at DESC, id DESC);
CREATE INDEX notification_unread ON notification (user_id, created_at DESC, id DESC) WHERE read_at IS NULL;
CREATE INDEX notification_due ON notification (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX notification_waiting_user ON notification (user_id) WHERE status = 'WAITING_RECIPIENT';
CREATE INDEX notification_waiting_seller ON notification (seller_id) WHERE status = 'WAITING_RECIPIENT';

-- Each attempt to hand a mail over, with the server's reply code where it answered; never its words, which may repeat
-- the address.
CREATE TABLE delivery (
    notification_id uuid NOT NULL REFERENCES notification (id),
    attempt integer NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('SENT', 'REFUSED', 'UNAVAILABLE', 'NOT_TRIED')),
    reply_code integer,
    at timestamptz NOT NULL,
    PRIMARY KEY (notification_id, attempt)
);

-- The second wall: a notification is its user's, an address is for workers alone.
ALTER TABLE recipient ENABLE ROW LEVEL SECURITY;
ALTER TABLE recipient FORCE ROW LEVEL SECURITY;
CREATE POLICY recipient_workers ON recipient USING (current_setting('app.role', true) = 'all');
ALTER TABLE seller_owner ENABLE ROW LEVEL SECURITY;
ALTER TABLE seller_owner FORCE ROW LEVEL SECURITY;
CREATE POLICY seller_owner_workers ON seller_owner USING (current_setting('app.role', true) = 'all');
ALTER TABLE delivery ENABLE ROW LEVEL SECURITY;
ALTER TABLE delivery FORCE ROW LEVEL SECURITY;
CREATE POLICY delivery_workers ON delivery USING (current_setting('app.role', true) = 'all');
ALTER TABLE notification ENABLE ROW LEVEL SECURITY;
ALTER TABLE notification FORCE ROW LEVEL SECURITY;
CREATE POLICY notification_workers ON notification USING (current_setting('app.role', true) = 'all');
CREATE POLICY notification_reader_sees ON notification FOR SELECT
    USING (user_id = NULLIF(current_setting('app.user_id', true), '')::uuid);
CREATE POLICY notification_reader_marks ON notification FOR UPDATE
    USING (user_id = NULLIF(current_setting('app.user_id', true), '')::uuid);

-- migrate:down

DROP TABLE delivery;
DROP TABLE notification;
DROP TABLE seller_owner;
DROP TABLE recipient;

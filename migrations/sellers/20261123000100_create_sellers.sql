-- migrate:up

-- A business, from its application on. The id stays when the owner is erased; name and slug do not.
CREATE TABLE seller (
    id uuid PRIMARY KEY,
    owner_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 2 AND 120),
    slug text NOT NULL CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(slug) <= 80),
    description text NOT NULL,
    status text NOT NULL CHECK (status IN
        ('APPLIED', 'IN_REVIEW', 'CHANGES_REQUESTED', 'APPROVED', 'REJECTED', 'SUSPENDED', 'CLOSED')),
    version bigint NOT NULL CHECK (version >= 1),
    created_at timestamptz NOT NULL,
    approved_at timestamptz,
    CHECK (approved_at IS NOT NULL OR status NOT IN ('APPROVED', 'SUSPENDED'))
);
CREATE UNIQUE INDEX seller_slug ON seller (slug);
-- One seller or open application a person: who was rejected may apply again.
CREATE UNIQUE INDEX seller_of_owner ON seller (owner_id) WHERE status NOT IN ('REJECTED', 'CLOSED');
CREATE INDEX seller_owner ON seller (owner_id);
CREATE INDEX seller_status ON seller (status, created_at DESC, id DESC);
CREATE INDEX seller_created_at ON seller (created_at DESC, id DESC);

CREATE TABLE seller_member (
    id uuid PRIMARY KEY,
    seller_id uuid NOT NULL REFERENCES seller,
    user_id uuid NOT NULL,
    role text NOT NULL CHECK (role IN ('OWNER', 'MEMBER')),
    added_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX seller_member_user ON seller_member (seller_id, user_id);
CREATE UNIQUE INDEX seller_member_owner ON seller_member (seller_id) WHERE role = 'OWNER';
CREATE INDEX seller_member_page ON seller_member (seller_id, added_at, id);
CREATE INDEX seller_member_of ON seller_member (user_id);

-- One a submission: what was handed in is never altered, a second attempt is a second case.
CREATE TABLE verification_case (
    id uuid PRIMARY KEY,
    seller_id uuid NOT NULL REFERENCES seller,
    status text NOT NULL CHECK (status IN ('SUBMITTED', 'CHANGES_REQUESTED', 'APPROVED', 'REJECTED', 'WITHDRAWN')),
    reason text NOT NULL,
    submitted_at timestamptz NOT NULL,
    decided_at timestamptz,
    decided_by uuid,
    CHECK ((status = 'SUBMITTED') = (decided_at IS NULL))
);
CREATE UNIQUE INDEX verification_case_open ON verification_case (seller_id) WHERE status = 'SUBMITTED';
CREATE INDEX verification_case_queue ON verification_case (submitted_at, id) WHERE status = 'SUBMITTED';
CREATE INDEX verification_case_seller ON verification_case (seller_id, submitted_at DESC);

CREATE TABLE verification_document (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES verification_case,
    seller_id uuid NOT NULL REFERENCES seller,
    position integer NOT NULL CHECK (position >= 1),
    kind text NOT NULL CHECK (kind IN ('IDENTITY', 'BUSINESS_REGISTRATION', 'TAX', 'BANK', 'OTHER')),
    reference text NOT NULL CHECK (length(reference) BETWEEN 1 AND 500),
    UNIQUE (case_id, position)
);
CREATE INDEX verification_document_seller ON verification_document (seller_id);

-- One rule a seller and one for all others (seller_id null). Its history is in the events.
CREATE TABLE commission_rule (
    id uuid PRIMARY KEY,
    seller_id uuid REFERENCES seller,
    rate_bps integer NOT NULL CHECK (rate_bps BETWEEN 0 AND 10000),
    version bigint NOT NULL CHECK (version >= 1),
    effective_from timestamptz NOT NULL,
    set_by uuid
);
CREATE UNIQUE INDEX commission_rule_seller ON commission_rule (seller_id) NULLS NOT DISTINCT;
CREATE INDEX commission_rule_page ON commission_rule (effective_from DESC, id DESC);
INSERT INTO commission_rule (id, seller_id, rate_bps, version, effective_from, set_by)
VALUES ('7d1c0f0e-5b1a-4f53-9c39-2d1f7a6f4e10', NULL, 1000, 1, timestamptz '2026-11-23 00:00:00+00', NULL);

-- Only the last characters are readable here; the whole is sealed for the holder of the private key.
CREATE TABLE payout_account (
    seller_id uuid PRIMARY KEY REFERENCES seller,
    id uuid NOT NULL UNIQUE,
    masked text NOT NULL CHECK (length(masked) <= 9),
    sealed text NOT NULL,
    updated_at timestamptz NOT NULL
);

-- People who were erased: an application that comes after its applicant's erasure is refused.
CREATE TABLE erased_user (
    user_id uuid PRIMARY KEY,
    erased_at timestamptz NOT NULL
);

-- The second wall: sellers that sell are public, everything else is the owner's, the seller's and staff's.
ALTER TABLE seller ENABLE ROW LEVEL SECURITY;
ALTER TABLE seller FORCE ROW LEVEL SECURITY;
CREATE POLICY seller_staff ON seller USING (current_setting('app.role', true) = 'all');
CREATE POLICY seller_public ON seller FOR SELECT USING (status = 'APPROVED');
CREATE POLICY seller_owner ON seller USING (owner_id = NULLIF(current_setting('app.user_id', true), '')::uuid);
CREATE POLICY seller_own ON seller USING (id = NULLIF(current_setting('app.seller_id', true), '')::uuid);

ALTER TABLE seller_member ENABLE ROW LEVEL SECURITY;
ALTER TABLE seller_member FORCE ROW LEVEL SECURITY;
CREATE POLICY seller_member_staff ON seller_member USING (current_setting('app.role', true) = 'all');
CREATE POLICY seller_member_self ON seller_member FOR SELECT
    USING (user_id = NULLIF(current_setting('app.user_id', true), '')::uuid);
CREATE POLICY seller_member_owner ON seller_member USING (seller_id IN
    (SELECT s.id FROM seller s WHERE s.owner_id = NULLIF(current_setting('app.user_id', true), '')::uuid));
CREATE POLICY seller_member_own ON seller_member FOR SELECT
    USING (seller_id = NULLIF(current_setting('app.seller_id', true), '')::uuid);

ALTER TABLE verification_case ENABLE ROW LEVEL SECURITY;
ALTER TABLE verification_case FORCE ROW LEVEL SECURITY;
CREATE POLICY verification_case_staff ON verification_case USING (current_setting('app.role', true) = 'all');
CREATE POLICY verification_case_owner ON verification_case USING (seller_id IN
    (SELECT s.id FROM seller s WHERE s.owner_id = NULLIF(current_setting('app.user_id', true), '')::uuid));
CREATE POLICY verification_case_own ON verification_case FOR SELECT
    USING (seller_id = NULLIF(current_setting('app.seller_id', true), '')::uuid);

ALTER TABLE verification_document ENABLE ROW LEVEL SECURITY;
ALTER TABLE verification_document FORCE ROW LEVEL SECURITY;
CREATE POLICY verification_document_staff ON verification_document USING (current_setting('app.role', true) = 'all');
CREATE POLICY verification_document_owner ON verification_document USING (seller_id IN
    (SELECT s.id FROM seller s WHERE s.owner_id = NULLIF(current_setting('app.user_id', true), '')::uuid));
CREATE POLICY verification_document_own ON verification_document FOR SELECT
    USING (seller_id = NULLIF(current_setting('app.seller_id', true), '')::uuid);

ALTER TABLE commission_rule ENABLE ROW LEVEL SECURITY;
ALTER TABLE commission_rule FORCE ROW LEVEL SECURITY;
CREATE POLICY commission_rule_staff ON commission_rule USING (current_setting('app.role', true) = 'all');
CREATE POLICY commission_rule_default ON commission_rule FOR SELECT USING (seller_id IS NULL);
CREATE POLICY commission_rule_owner ON commission_rule FOR SELECT USING (seller_id IN
    (SELECT s.id FROM seller s WHERE s.owner_id = NULLIF(current_setting('app.user_id', true), '')::uuid));
CREATE POLICY commission_rule_own ON commission_rule FOR SELECT
    USING (seller_id = NULLIF(current_setting('app.seller_id', true), '')::uuid);

ALTER TABLE payout_account ENABLE ROW LEVEL SECURITY;
ALTER TABLE payout_account FORCE ROW LEVEL SECURITY;
CREATE POLICY payout_account_staff ON payout_account USING (current_setting('app.role', true) = 'all');
CREATE POLICY payout_account_owner ON payout_account USING (seller_id IN
    (SELECT s.id FROM seller s WHERE s.owner_id = NULLIF(current_setting('app.user_id', true), '')::uuid));
CREATE POLICY payout_account_own ON payout_account FOR SELECT
    USING (seller_id = NULLIF(current_setting('app.seller_id', true), '')::uuid);

-- migrate:down

DROP TABLE erased_user;
DROP TABLE payout_account;
DROP TABLE commission_rule;
DROP TABLE verification_document;
DROP TABLE verification_case;
DROP TABLE seller_member;
DROP TABLE seller;

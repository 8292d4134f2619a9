-- migrate:up

-- A checkout group as orders announced it, and whether it is still alive. A cancellation or an expiry that comes before
-- the announcement leaves a row of its own (a tombstone), so that the late announcement cannot be paid.
CREATE TABLE payable_group (
    id uuid PRIMARY KEY,
    buyer_id uuid NOT NULL,
    currency text NOT NULL DEFAULT '',
    total bigint NOT NULL DEFAULT 0 CHECK (total >= 0),
    expires_at timestamptz,
    announced boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('OPEN', 'CANCELLED', 'EXPIRED')),
    version bigint NOT NULL,
    CHECK (announced OR state <> 'OPEN'),
    CHECK (NOT announced OR (currency ~ '^[A-Z]{3}$' AND expires_at IS NOT NULL))
);

-- One seller's order of a group. Its marks may come before its announcement: then the figures are still zero.
CREATE TABLE payable_order (
    id uuid PRIMARY KEY,
    group_id uuid NOT NULL,
    buyer_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    total bigint NOT NULL DEFAULT 0 CHECK (total >= 0),
    delivered_at timestamptz,
    cancelled_at timestamptz,
    released_at timestamptz
);
CREATE INDEX payable_order_group ON payable_order (group_id);
CREATE INDEX payable_order_unreleased ON payable_order (delivered_at) WHERE released_at IS NULL AND delivered_at IS NOT NULL;

-- What an order's money consists of: each line, and the rest (shipping and tax) under the order's own id. The commission
-- is frozen here; `refunded` includes refunds that are still under way, so that no two can promise the same cent.
CREATE TABLE payable_item (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES payable_order (id),
    seller_id uuid NOT NULL,
    position integer NOT NULL,
    amount bigint NOT NULL CHECK (amount >= 0),
    commission_bps integer NOT NULL CHECK (commission_bps BETWEEN 0 AND 10000),
    commission bigint NOT NULL CHECK (commission BETWEEN 0 AND amount),
    refunded bigint NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
    commission_refunded bigint NOT NULL DEFAULT 0 CHECK (commission_refunded BETWEEN 0 AND commission),
    CHECK (refunded - commission_refunded BETWEEN 0 AND amount - commission)
);
CREATE INDEX payable_item_order ON payable_item (order_id);

CREATE TABLE payable_seller (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,
    approved_at timestamptz NOT NULL
);

-- One payment a group, with as many attempts as the buyer needs.
CREATE TABLE payment (
    id uuid PRIMARY KEY,
    group_id uuid NOT NULL UNIQUE REFERENCES payable_group (id),
    buyer_id uuid NOT NULL,
    amount bigint NOT NULL CHECK (amount >= 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    status text NOT NULL CHECK (status IN ('PENDING', 'AUTHORIZED', 'CAPTURED', 'FAILED', 'VOIDED')),
    attempt integer NOT NULL CHECK (attempt >= 1),
    failure_reason text,
    captured_at timestamptz,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    CHECK ((status = 'CAPTURED') = (captured_at IS NOT NULL))
);
CREATE INDEX payment_buyer ON payment (buyer_id, created_at DESC, id DESC);

-- `due_at` is when a worker looks after an attempt that nobody has finished; `tries` counts the calls to the provider.
CREATE TABLE payment_attempt (
    id uuid PRIMARY KEY,
    payment_id uuid NOT NULL REFERENCES payment (id),
    number integer NOT NULL CHECK (number >= 1),
    provider_key text NOT NULL UNIQUE,
    method text NOT NULL,
    status text NOT NULL CHECK (status IN ('PENDING', 'AUTHORIZED', 'CAPTURED', 'DECLINED', 'VOIDED')),
    provider_reference text,
    reason text,
    tries integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (payment_id, number)
);
-- The wall behind all checks: no payment is captured twice, nor tried twice at the same time.
CREATE UNIQUE INDEX payment_attempt_one_capture ON payment_attempt (payment_id) WHERE status = 'CAPTURED';
CREATE UNIQUE INDEX payment_attempt_one_open ON payment_attempt (payment_id) WHERE status IN ('PENDING', 'AUTHORIZED');
CREATE INDEX payment_attempt_due ON payment_attempt (due_at) WHERE status IN ('PENDING', 'AUTHORIZED');

-- The provider's inbox: its direct answers and its webhooks pass through here, each once.
CREATE TABLE provider_event (
    id text PRIMARY KEY,
    provider_key text NOT NULL,
    state text NOT NULL,
    reference text,
    reason text,
    received_at timestamptz NOT NULL
);
CREATE INDEX provider_event_key ON provider_event (provider_key);

CREATE TABLE refund (
    id uuid PRIMARY KEY,
    payment_id uuid NOT NULL REFERENCES payment (id),
    group_id uuid NOT NULL,
    order_id uuid,
    buyer_id uuid NOT NULL,
    seller_id uuid,
    actor_id uuid,
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    reason text NOT NULL,
    cause text NOT NULL,
    status text NOT NULL CHECK (status IN ('PENDING', 'SUCCEEDED', 'FAILED')),
    provider_reference text,
    failure_reason text,
    tries integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (payment_id, cause),
    CHECK ((order_id IS NULL) = (seller_id IS NULL))
);
CREATE INDEX refund_order ON refund (order_id, created_at DESC, id DESC);
CREATE INDEX refund_payment ON refund (payment_id, created_at DESC, id DESC);
CREATE INDEX refund_due ON refund (due_at) WHERE status = 'PENDING';

-- What a refund takes from each item; `commission` is the platform's part of it.
CREATE TABLE refund_line (
    refund_id uuid NOT NULL REFERENCES refund (id),
    item_id uuid NOT NULL REFERENCES payable_item (id),
    order_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    commission bigint NOT NULL CHECK (commission BETWEEN 0 AND amount),
    PRIMARY KEY (refund_id, item_id)
);

-- The ledger: double entry, debits positive, credits negative. An entry's postings sum to zero, and nothing is ever changed.
CREATE TABLE ledger_account (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (
        kind IN ('PROVIDER_CLEARING', 'BUYER_REFUNDS', 'PLATFORM_COMMISSION', 'SELLER_PAYABLE', 'SELLER_AVAILABLE', 'PAYOUT_CLEARING')
    ),
    seller_id uuid,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    UNIQUE NULLS NOT DISTINCT (kind, seller_id, currency),
    CHECK ((kind IN ('SELLER_PAYABLE', 'SELLER_AVAILABLE')) = (seller_id IS NOT NULL))
);
CREATE INDEX ledger_account_seller ON ledger_account (seller_id) WHERE seller_id IS NOT NULL;

CREATE TABLE journal_entry (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (
        kind IN ('CAPTURE', 'REFUND_OWED', 'REFUND_PAID', 'REFUND_REVERSED', 'RELEASE', 'PAYOUT', 'PAYOUT_PAID', 'PAYOUT_REVERSED')
    ),
    reference uuid NOT NULL,
    currency text NOT NULL,
    occurred_at timestamptz NOT NULL,
    -- What has happened once is booked once.
    UNIQUE (kind, reference)
);
CREATE INDEX journal_entry_newest ON journal_entry (occurred_at DESC, id DESC);

CREATE TABLE posting (
    id uuid PRIMARY KEY,
    entry_id uuid NOT NULL REFERENCES journal_entry (id),
    account_id uuid NOT NULL REFERENCES ledger_account (id),
    seller_id uuid,
    amount bigint NOT NULL CHECK (amount <> 0)
);
CREATE INDEX posting_entry ON posting (entry_id);
CREATE INDEX posting_account ON posting (account_id) INCLUDE (amount);

CREATE FUNCTION require_balanced_entry() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    entry uuid;
    sides integer;
    total numeric;
    foreign_currency boolean;
BEGIN
    IF TG_TABLE_NAME = 'posting' THEN
        entry := NEW.entry_id;
    ELSE
        entry := NEW.id;
    END IF;
    SELECT count(*), COALESCE(sum(p.amount), 0), COALESCE(bool_or(a.currency <> e.currency), false)
      INTO sides, total, foreign_currency
      FROM posting p
      JOIN journal_entry e ON e.id = p.entry_id
      JOIN ledger_account a ON a.id = p.account_id
     WHERE p.entry_id = entry;
    IF sides < 2 OR total <> 0 OR foreign_currency THEN
        RAISE EXCEPTION 'journal entry % does not balance: % postings, sum %', entry, sides, total
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER posting_balances AFTER INSERT ON posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_balanced_entry();
CREATE CONSTRAINT TRIGGER journal_entry_balances AFTER INSERT ON journal_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_balanced_entry();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: book a new entry instead', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER posting_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON posting
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
REVOKE UPDATE, DELETE ON posting, journal_entry FROM payments;

-- A seller is paid once a period and currency; `amount` is the sum of the items.
CREATE TABLE payout (
    id uuid PRIMARY KEY,
    run_id uuid NOT NULL,
    seller_id uuid NOT NULL,
    period text NOT NULL CHECK (period ~ '^\d{4}-W\d{2}$'),
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    status text NOT NULL CHECK (status IN ('PENDING', 'PAID', 'FAILED')),
    provider_reference text,
    failure_reason text,
    tries integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (seller_id, period, currency)
);
CREATE INDEX payout_seller ON payout (seller_id, created_at DESC, id DESC);
CREATE INDEX payout_newest ON payout (created_at DESC, id DESC);
CREATE INDEX payout_run ON payout (run_id, created_at DESC, id DESC);
CREATE INDEX payout_due ON payout (due_at) WHERE status = 'PENDING';

-- Which movements of the seller's balance a payout settles: each one once, refunds as negative amounts.
CREATE TABLE payout_item (
    posting_id uuid PRIMARY KEY REFERENCES posting (id),
    payout_id uuid NOT NULL REFERENCES payout (id),
    seller_id uuid NOT NULL,
    kind text NOT NULL,
    reference uuid NOT NULL,
    amount bigint NOT NULL,
    occurred_at timestamptz NOT NULL
);
CREATE INDEX payout_item_payout ON payout_item (payout_id, occurred_at, posting_id);

-- The second wall. Workers, staff and the service acting for the platform see all; a buyer sees what they pay, a seller
-- what is theirs, and neither can write a row here.
DO $$
DECLARE
    protected text;
BEGIN
    FOREACH protected IN ARRAY ARRAY[
        'payable_group', 'payable_order', 'payable_item', 'payable_seller', 'payment', 'payment_attempt', 'provider_event',
        'refund', 'refund_line', 'ledger_account', 'journal_entry', 'posting', 'payout', 'payout_item'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', protected);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', protected);
        EXECUTE format(
            'CREATE POLICY %I ON %I USING (current_setting(''app.role'', true) = ''all'')', protected || '_platform', protected
        );
    END LOOP;
    FOREACH protected IN ARRAY ARRAY['payable_group', 'payable_order', 'payment', 'refund'] LOOP
        EXECUTE format(
            'CREATE POLICY %I ON %I FOR SELECT USING (buyer_id = NULLIF(current_setting(''app.user_id'', true), '''')::uuid)',
            protected || '_buyer', protected
        );
    END LOOP;
    FOREACH protected IN ARRAY ARRAY[
        'payable_order', 'payable_item', 'refund', 'refund_line', 'ledger_account', 'posting', 'payout', 'payout_item'
    ] LOOP
        EXECUTE format(
            'CREATE POLICY %I ON %I FOR SELECT USING (seller_id = NULLIF(current_setting(''app.seller_id'', true), '''')::uuid)',
            protected || '_seller', protected
        );
    END LOOP;
END
$$;
-- A buyer sees what a refund of theirs consists of.
CREATE POLICY refund_line_buyer ON refund_line FOR SELECT USING (
    EXISTS (
        SELECT 1 FROM refund r
         WHERE r.id = refund_id AND r.buyer_id = NULLIF(current_setting('app.user_id', true), '')::uuid
    )
);

-- migrate:down

DROP TABLE payout_item;
DROP TABLE payout;
DROP TABLE posting;
DROP TABLE journal_entry;
DROP FUNCTION refuse_change();
DROP FUNCTION require_balanced_entry();
DROP TABLE ledger_account;
DROP TABLE refund_line;
DROP TABLE refund;
DROP TABLE provider_event;
DROP TABLE payment_attempt;
DROP TABLE payment;
DROP TABLE payable_seller;
DROP TABLE payable_item;
DROP TABLE payable_order;
DROP TABLE payable_group;

-- migrate:up

-- What a unit of work has decided and the broker has not yet confirmed (transactional outbox).
CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    event_name text NOT NULL,
    event_version text NOT NULL,
    occurred_at timestamptz NOT NULL,
    idempotency_key text NOT NULL UNIQUE,
    aggregate_id uuid NOT NULL,
    aggregate_version bigint NOT NULL,
    payload jsonb NOT NULL,
    headers jsonb NOT NULL
);
CREATE INDEX outbox_position ON outbox (position);

-- What the broker has confirmed: kept to replay. One partition a month, dropped after the stated retention.
CREATE TABLE event_log (
    id uuid NOT NULL,
    position bigint NOT NULL,
    event_name text NOT NULL,
    event_version text NOT NULL,
    occurred_at timestamptz NOT NULL,
    idempotency_key text NOT NULL,
    aggregate_id uuid NOT NULL,
    aggregate_version bigint NOT NULL,
    payload jsonb NOT NULL,
    headers jsonb NOT NULL,
    sent_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sent_at, id)
) PARTITION BY RANGE (sent_at);
CREATE TABLE event_log_default PARTITION OF event_log DEFAULT;
DO $$
DECLARE
    month date := date '2026-11-01';
BEGIN
    WHILE month < date '2028-11-01' LOOP
        EXECUTE format(
            'CREATE TABLE event_log_%s PARTITION OF event_log FOR VALUES FROM (%L) TO (%L)',
            to_char(month, 'YYYY_MM'), month, month + interval '1 month'
        );
        month := month + interval '1 month';
    END LOOP;
END
$$;
CREATE INDEX event_log_position ON event_log (position);

-- Which events a consumer has taken effect of, in the effect's transaction: redelivery changes nothing.
CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    event_name text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX inbox_received_at ON inbox (received_at);

-- Failed attempts, counted by us because brokers count differently; the fifth sends the event to its dead-letter queue.
CREATE TABLE delivery_attempt (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    attempts integer NOT NULL,
    last_error text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
);

-- The outcome of each write from outside, in the effect's transaction, kept for at least 24 hours.
CREATE TABLE idempotency_record (
    caller text NOT NULL,
    operation text NOT NULL,
    key text NOT NULL,
    fingerprint text NOT NULL,
    outcome jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (caller, operation, key)
);
CREATE INDEX idempotency_record_created_at ON idempotency_record (created_at);

-- migrate:down

DROP TABLE idempotency_record;
DROP TABLE delivery_attempt;
DROP TABLE inbox;
DROP TABLE event_log;
DROP TABLE outbox;

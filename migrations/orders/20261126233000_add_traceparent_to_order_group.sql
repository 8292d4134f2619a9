-- migrate:up

-- The trace that the row began in (W3C Trace Context), where that one is recorded: what happens to the row by a timer or
-- a webhook goes on in it.
ALTER TABLE order_group ADD COLUMN traceparent text;

-- migrate:down

ALTER TABLE order_group DROP COLUMN traceparent;

-- migrate:up
-- allow require-concurrent-index-creation: the table keeps one day of failed attempts, over which an index is made in a moment
CREATE INDEX login_attempt_client ON login_attempt (client_key, failed_at) WHERE client_key IS NOT NULL;

-- migrate:down
DROP INDEX login_attempt_client;

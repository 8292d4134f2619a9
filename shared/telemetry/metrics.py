"""The catalogue of metric names. Every metric of a service is declared here, so that dashboards and alerts have one source."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

CACHE_REQUESTS = Counter(
    "cache_requests_total", "Reads of the Redis cache by key prefix and result (hit, miss, error)", ["prefix", "result"]
)
SQL_STATEMENTS = Counter("sql_statements_total", "SQL statements sent to Postgres", ["domain"])
REPLICA_READS = Counter(
    "replica_reads_total",
    "Reports by where they were read and why: replica, or the primary (own_write, stale, failed, resting)",
    ["domain", "outcome"],
)
REPLICA_LAG = Gauge("replica_lag_seconds", "How far the replica was behind when a report last looked", ["domain"])
CERTIFICATE_EXPIRY = Gauge(
    "tls_certificate_not_after_timestamp_seconds", "When the certificate that this process serves with ends"
)
DB_POOL_SIZE = Gauge("db_pool_size", "Connections that a pool of this process may hold", ["domain", "pool"])
DB_POOL_CONNECTIONS = Gauge(
    "db_pool_connections", "Connections of a pool by state (in_use, idle, overflow)", ["domain", "pool", "state"]
)
DB_POOL_WAIT_SECONDS = Histogram(
    "db_pool_wait_seconds",
    "Time to get a connection out of a pool, opened where none was idle",
    ["domain", "pool"],
    buckets=(0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0),
)
DB_CONNECTIONS = Gauge(
    "db_role_connections",
    "Connections of the domain's role, of all its processes, as Postgres counts them, by state (active, idle, "
    "idle_in_transaction, other)",
    ["domain", "state"],
)
DB_CONNECTION_LIMIT = Gauge("db_server_connection_limit", "Connections that Postgres takes from all roles", ["domain"])
GRAPHQL_OPERATIONS = Counter(
    "graphql_operations_total",
    "Operations executed by a subgraph, by their first root field and outcome (ok, error)",
    ["domain", "field", "outcome"],
)
GRAPHQL_SECONDS = Histogram(
    "graphql_operation_seconds", "Time a subgraph takes for an operation, by its first root field", ["domain", "field"]
)
IDEMPOTENT_REPLAYS = Counter(
    "idempotent_replays_total",
    "Writes answered from a stored outcome, by where it was found (redis, postgres)",
    ["source"],
)
OUTBOX_DEPTH = Gauge("outbox_unsent_events", "Events in the outbox that the broker has not confirmed", ["domain"])
OUTBOX_LAG = Gauge(
    "outbox_lag_seconds", "Age of the oldest event in the outbox that the broker has not confirmed", ["domain"]
)
EVENTS_PUBLISHED = Counter("events_published_total", "Events handed to the broker, retries included", ["domain"])
EVENTS_CONFIRMED = Counter(
    "events_confirmed_total", "Events that the broker confirmed and the log keeps", ["domain", "event"]
)
EVENTS_UNROUTABLE = Counter(
    "events_unroutable_total", "Events that the broker returned for want of a bound queue", ["domain", "event"]
)
EVENTS_CONSUMED = Counter(
    "events_consumed_total",
    "Deliveries by consumer and outcome (taken, duplicate, unhandled, failed, dead_lettered, deferred, forged)",
    ["consumer", "outcome"],
)
EVENT_LAG_SECONDS = Histogram(
    "event_lag_seconds",
    "Time from an event to its effect in a consumer; replays left out",
    ["consumer"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1800.0),
)
EVENT_ATTEMPTS = Histogram(
    "event_attempts",
    "Attempts that a delivery took until it had its final answer",
    ["consumer"],
    buckets=(1.0, 2.0, 3.0, 4.0, 5.0),
)
EVICTIONS = Counter("edge_evictions_total", "Tags of cached public answers that were evicted, by event", ["event"])
EVICTION_SECONDS = Histogram(
    "edge_eviction_seconds",
    "Time from an event to its eviction: how stale a cached public answer may have been",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0),
)
SAGA_CHECKOUTS = Gauge(
    "saga_checkouts",
    "Checkouts that are under way, by state and by how long they are in it (under_1m, under_5m, under_15m, over_15m)",
    ["state", "age"],
)
SAGA_OLDEST_SECONDS = Gauge(
    "saga_oldest_checkout_seconds", "How long the checkout that is longest in a state is in it", ["state"]
)
SAGA_OVERDUE = Gauge(
    "saga_overdue_checkouts", "Checkouts past their deadline that are neither paid nor expired nor cancelled"
)
SAGA_PARKED = Gauge("saga_parked_events", "Early events that wait for the state they belong to")
LEDGER_IMBALANCE = Gauge("ledger_imbalance_cents", "The sum of all postings: anything but 0 is a bug", ["currency"])
LEDGER_BALANCE = Gauge("ledger_balance_cents", "The sum of all postings of a kind of account", ["kind", "currency"])
PROVIDER_WORK = Gauge(
    "provider_work_open", "What the payment provider has not settled yet, by kind (charge, refund, payout)", ["kind"]
)
PROVIDER_WORK_OVERDUE = Gauge(
    "provider_work_overdue_seconds", "For how long the oldest piece of that has been due", ["kind"]
)
ORPHANED_RESERVATIONS = Gauge(
    "inventory_orphaned_reservations", "Reservations that hold stock long after their checkout's deadline"
)
STOCK_MISMATCHES = Gauge(
    "inventory_stock_mismatches",
    "Rows that break an invariant (available: the public figure is not on hand less reserved; reserved: no living "
    "reservation holds it)",
    ["invariant"],
)
TASK_SUCCEEDED = Gauge(
    "worker_task_last_success_timestamp_seconds", "When a worker's task by the clock last succeeded", ["domain", "task"]
)
TASK_FAILURES = Counter("worker_task_failures_total", "Rounds of a worker's task that failed", ["domain", "task"])
TASK_INTERVAL = Gauge("worker_task_interval_seconds", "How often a worker's task is to run", ["domain", "task"])
LIVE_NOTES = Counter(
    "live_notes_total", "Notes of changes for whoever watches live, by outcome (told, lost)", ["domain", "outcome"]
)
LIVE_STREAMS = Gauge("live_streams", "Subscriptions that are open in this process", ["domain"])
LIVE_STREAMS_ENDED = Counter(
    "live_streams_ended_total",
    "Subscriptions that the subgraph ended, by code (complete: at a stop)",
    ["domain", "code"],
)

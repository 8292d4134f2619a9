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
GRAPHQL_OPERATIONS = Counter(
    "graphql_operations_total", "Operations executed by a subgraph, by outcome (ok, error)", ["domain", "outcome"]
)
GRAPHQL_SECONDS = Histogram("graphql_operation_seconds", "Time a subgraph takes for an operation", ["domain"])
CERTIFICATE_EXPIRY = Gauge(
    "tls_certificate_not_after_timestamp_seconds", "When the certificate that this process serves with ends"
)
IDEMPOTENT_REPLAYS = Counter(
    "idempotent_replays_total",
    "Writes answered from a stored outcome, by where it was found (redis, postgres)",
    ["source"],
)
OUTBOX_DEPTH = Gauge("outbox_unsent_events", "Events in the outbox that the broker has not confirmed", ["domain"])
EVENTS_PUBLISHED = Counter("events_published_total", "Events handed to the broker, retries included", ["domain"])
EVENTS_CONFIRMED = Counter("events_confirmed_total", "Events that the broker confirmed and the log keeps", ["domain"])
EVENTS_UNROUTABLE = Counter(
    "events_unroutable_total", "Events that the broker returned for want of a bound queue", ["domain", "event"]
)
EVENTS_CONSUMED = Counter(
    "events_consumed_total",
    "Deliveries by consumer and outcome (taken, duplicate, unhandled, failed, dead_lettered, deferred)",
    ["consumer", "outcome"],
)
EVICTIONS = Counter("edge_evictions_total", "Tags of cached public answers that were evicted, by event", ["event"])
EVICTION_SECONDS = Histogram(
    "edge_eviction_seconds",
    "Time from an event to its eviction: how stale a cached public answer may have been",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0),
)
ORPHANED_RESERVATIONS = Gauge(
    "inventory_orphaned_reservations", "Reservations that hold stock long after their checkout's deadline"
)
LIVE_NOTES = Counter(
    "live_notes_total", "Notes of changes for whoever watches live, by outcome (told, lost)", ["domain", "outcome"]
)
LIVE_STREAMS = Gauge("live_streams", "Subscriptions that are open in this process", ["domain"])
LIVE_STREAMS_ENDED = Counter(
    "live_streams_ended_total",
    "Subscriptions that the subgraph ended, by code (complete: at a stop)",
    ["domain", "code"],
)

"""The catalogue of metric names. Every metric of a service is declared here, so that dashboards and alerts have one source."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

CACHE_REQUESTS = Counter(
    "cache_requests_total", "Reads of the Redis cache by key prefix and result (hit, miss, error)", ["prefix", "result"]
)
SQL_STATEMENTS = Counter("sql_statements_total", "SQL statements sent to Postgres", ["domain"])
GRAPHQL_OPERATIONS = Counter(
    "graphql_operations_total", "Operations executed by a subgraph, by outcome (ok, error)", ["domain", "outcome"]
)
GRAPHQL_SECONDS = Histogram("graphql_operation_seconds", "Time a subgraph takes for an operation", ["domain"])
IDEMPOTENT_REPLAYS = Counter(
    "idempotent_replays_total",
    "Writes answered from a stored outcome, by where it was found (redis, postgres)",
    ["source"],
)

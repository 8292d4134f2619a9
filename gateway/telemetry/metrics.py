"""The catalogue of the gateway's metrics. Children are bound once: looking labels up is slower than counting."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram

from gateway.telemetry.tallies import Distributions, Tallies

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

REQUESTS = Tallies(
    "gateway_requests_total",
    "GraphQL requests by outcome: ok, partial (with errors a client can mend), degraded (with errors of ours), refused, "
    "failed (a bug), shed (too many at once)",
    ["operation", "outcome"],
)
REQUEST_SECONDS = Distributions(
    "gateway_request_seconds", "Time from request to answer", ["operation"], buckets=_BUCKETS
)
IN_FLIGHT = Tallies("gateway_requests_in_flight", "GraphQL requests being answered", gauge=True).labels()
REFUSALS = Counter("gateway_refusals_total", "Requests refused before execution, by code", ["code"])
PREPARED = Tallies("gateway_operation_cache_total", "Look-ups of prepared operations by result (hit, miss)", ["result"])
TLS_EXPIRY = Gauge(
    "gateway_tls_certificate_not_after_timestamp_seconds",
    "When the certificate in use ends, by what it is for (listener, upstream)",
    ["use"],
)
SHARED_RATES = Counter(
    "gateway_shared_rate_checks_total",
    "Requests held against the rates in Redis (admitted, refused, away)",
    ["outcome"],
)
OPERATION_COST = Distributions(
    "gateway_operation_cost", "Estimated cost of the operations asked for", buckets=tuple(10.0**n for n in range(8))
).labels()
PREPARE_SECONDS = Histogram("gateway_prepare_seconds", "Time to parse, check and plan an operation", buckets=_BUCKETS)
SUPERGRAPH_LOADS = Counter(
    "gateway_supergraph_loads_total", "Supergraphs that came while serving, by outcome (swapped, refused)", ["outcome"]
)
SUPERGRAPH_REFUSED = Gauge(
    "gateway_supergraph_refused", "1 while the supergraph file cannot be served and an older one is"
)
SUPERGRAPH_LOADED = Gauge(
    "gateway_supergraph_loaded_timestamp_seconds", "When the supergraph that is served was loaded"
)
WARMED = Counter("gateway_operations_warmed_total", "Operations prepared for a new supergraph before it was served")
OPERATIONS = Counter(
    "gateway_known_operations_total", "Requests for listed operations, by their manifest", ["client", "operation"]
)
UNKNOWN_OPERATIONS = Counter(
    "gateway_unknown_operations_total", "Requests let through though no manifest lists them", ["client"]
)
AUTOMATIC = Counter(
    "gateway_automatic_operations_total",
    "Automatic operations by outcome (found, not_found, kept, too_large, redis_away)",
    ["outcome"],
)
MANIFEST_LOADS = Counter(
    "gateway_manifest_loads_total", "Changes of the manifests by outcome (taken, refused)", ["outcome"]
)
MANIFEST_REFUSED = Gauge(
    "gateway_manifest_refused",
    "1 while a client's manifest file cannot be used and an older one, if any, is",
    ["client"],
)
MANIFEST_OPERATIONS = Gauge(
    "gateway_manifest_operations", "Operations of a client's manifest by state (ready, unfit)", ["client", "state"]
)
SUBGRAPH_REQUESTS = Tallies(
    "gateway_subgraph_requests_total",
    "Requests to subgraphs by outcome (ok, failed, unavailable, left_alone)",
    ["subgraph", "outcome"],
)
SUBGRAPH_SECONDS = Distributions(
    "gateway_subgraph_seconds", "Time of a subgraph request", ["subgraph"], buckets=_BUCKETS
)
SUBGRAPH_SHARED = Tallies(
    "gateway_subgraph_shared_total", "Requests that were answered by another one in flight", ["subgraph"]
)
SUBGRAPH_RETRIES = Counter("gateway_subgraph_retries_total", "Requests to subgraphs that were sent again", ["subgraph"])
CIRCUIT_STATE = Gauge("gateway_circuit_state", "Circuit breakers: 0 closed, 1 half open, 2 open", ["subgraph"])
CIRCUIT_OPENED = Counter("gateway_circuit_opened_total", "How often a circuit breaker opened", ["subgraph"])
SUBSCRIPTIONS = Gauge("gateway_subscriptions", "Subscriptions of clients that are open")
SUBSCRIPTION_EVENTS = Counter("gateway_subscription_events_total", "Responses sent to subscriptions of clients")
SUBSCRIPTIONS_ENDED = Counter(
    "gateway_subscriptions_ended_total",
    "Subscriptions ended by the gateway instead of client or subgraph, by code",
    ["code"],
)
STREAM_CONNECTIONS = Gauge(
    "gateway_stream_connections", "Open connections by transport (websocket, sse, sse_single, multipart)", ["transport"]
)
SOURCE_STREAMS = Gauge("gateway_source_streams", "Subscriptions open at subgraphs", ["subgraph"])
SOURCE_EVENTS = Counter(
    "gateway_source_events_total", "Results that came from subscriptions at subgraphs", ["subgraph"]
)

CACHE_ENTRIES = Counter(
    "gateway_cache_entries_total", "Entities and root answers looked up, by result (hit, miss)", ["subgraph", "result"]
)
CACHE_FETCHES = Counter(
    "gateway_cache_fetches_total",
    "Fetches of public data, by what of them was there (whole, part, nothing)",
    ["subgraph", "found"],
)
CACHE_WRITES = Counter(
    "gateway_cache_writes_total",
    "Answers to be kept, by outcome: kept, late (evicted while they were on their way), dropped (too many at once, or too large)",
    ["outcome"],
)
CACHE_FAILURES = Counter("gateway_cache_failures_total", "How often the cache's Redis failed and was left alone")


class CacheMeter:
    """Counts what the cache knew of one subgraph's data."""

    def __init__(self, subgraph: str) -> None:
        self._hits, self._misses = (CACHE_ENTRIES.labels(subgraph, result) for result in ("hit", "miss"))
        self._fetches = {found: CACHE_FETCHES.labels(subgraph, found) for found in ("whole", "part", "nothing")}

    def looked(self, hits: int, asked: int, *, whole: bool) -> None:
        self._hits.inc(hits)
        self._misses.inc(asked - hits)
        self._fetches["whole" if whole else "part" if hits else "nothing"].inc()


PARTNER_REQUESTS = Counter(
    "gateway_partner_requests_total",
    "Operations asked for with an API key, by outcome (admitted, not_listed, rate_limited, quota_exceeded)",
    ["client", "outcome"],
)


class PartnerMeters:
    """Counts by partner. Names come from the register alone, and their figures end with them."""

    _OUTCOMES = ("admitted", "not_listed", "rate_limited", "quota_exceeded")

    def __init__(self) -> None:
        self._names: frozenset[str] = frozenset()

    def count(self, name: str, outcome: str) -> None:
        PARTNER_REQUESTS.labels(name, outcome).inc()

    def keep(self, names: Iterable[str]) -> None:
        """These are the partners from now on."""
        kept = frozenset(names)
        for gone in self._names - kept:
            for outcome in self._OUTCOMES:
                PARTNER_REQUESTS.labels(gone, outcome)
                PARTNER_REQUESTS.remove(gone, outcome)
        self._names = kept


class TrafficMeter:
    """Counts how requests to one subgraph were spared, repeated and held back."""

    def __init__(self, subgraph: str) -> None:
        self._state = CIRCUIT_STATE.labels(subgraph)
        self._state.set(0)
        self._opened = CIRCUIT_OPENED.labels(subgraph)
        self.shared = SUBGRAPH_SHARED.labels(subgraph).inc
        self.retried = SUBGRAPH_RETRIES.labels(subgraph).inc

    def circuit(self, state: int, *, opened: bool) -> None:
        self._state.set(state)
        if opened:
            self._opened.inc()


class SubgraphMeter:
    """Counts and times the requests to one subgraph."""

    def __init__(self, subgraph: str) -> None:
        self.outcomes = {
            outcome: SUBGRAPH_REQUESTS.labels(subgraph, outcome)
            for outcome in ("ok", "failed", "unavailable", "left_alone")
        }
        self.seconds = SUBGRAPH_SECONDS.labels(subgraph)

"""What bounds each label: a closed set, or a list that lies in the repository or in operators' hands, never in a request."""

from __future__ import annotations

import re
from collections.abc import Mapping

import orjson
from graphql import build_schema

from gateway.telemetry.operations import MOST_OPERATIONS
from shared.messaging.intake import OUTCOMES
from shared.messaging.schemas import EventSchemas
from shared.register import PROJECT_ROOT, load_register
from subgraphs.orders.service.figures import AGES, STATES
from subgraphs.payments.domain.ledger import AccountKind
from subgraphs.payments.service.figures import MOST_CURRENCIES, WORK

REGISTER = load_register()
DOMAINS = frozenset(subgraph.name for subgraph in REGISTER.subgraphs)
QUEUES = frozenset(queue for user in REGISTER.broker_users for queue in user.queues)
SERVICES = frozenset({f"{domain}-{kind}" for domain in DOMAINS for kind in ("api", "worker")} | {"gateway", "evictor"})
EVENTS = frozenset(EventSchemas().names)
CODE = re.compile(r"[A-Z][A-Z_]{2,60}|complete")
"""Error codes stand in the source, each where it is raised."""
TASK = re.compile(r"[a-z_ ]{3,40}")
"""Names of jobs stand in the composition roots."""
VERSION = re.compile(r"[\w.+-]{1,60}")
CLIENT = re.compile(r"\(first party\)|[a-z0-9][a-z0-9._-]{0,99}")
"""Those with a manifest, and partners of the register of partners: their series end with them."""


def _manifests() -> frozenset[str]:
    files = (PROJECT_ROOT / "supergraph" / "operations").glob("*.json")
    return frozenset(entry["name"] for file in files for entry in orjson.loads(file.read_bytes())["operations"])


def _root_fields() -> frozenset[str]:
    found = {"_service", "_entities", "other"}
    for subgraph in REGISTER.subgraphs:
        text = subgraph.schema_file.read_text(encoding="utf-8")
        schema = build_schema(text, assume_valid=True, assume_valid_sdl=True)
        for root in (schema.query_type, schema.mutation_type, schema.subscription_type):
            found |= set(root.fields) if root else set()
    return frozenset(found)


OPERATIONS = _manifests() | {"other"}
assert len(OPERATIONS) <= MOST_OPERATIONS

Bound = frozenset[str] | re.Pattern[str]

LABELS: Mapping[str, Bound] = {
    "client": CLIENT,
    "code": CODE,
    "consumer": QUEUES,
    "domain": DOMAINS,
    "event": EVENTS,
    "field": _root_fields(),
    "operation": OPERATIONS,
    "service": SERVICES,
    "subgraph": DOMAINS,
    "task": TASK,
    "version": VERSION,
    "result": frozenset({"hit", "miss", "error"}),
    "prefix": frozenset({"product", "session"} | {f"idempotency:{domain}" for domain in DOMAINS}),
    "pool": frozenset({"primary", "replica"}),
    "source": frozenset({"redis", "postgres"}),
    "found": frozenset({"whole", "part", "nothing"}),
    "transport": frozenset({"websocket", "sse", "sse_single", "multipart"}),
    "use": frozenset({"listener", "upstream"}),
    "invariant": frozenset({"available", "reserved"}),
    "age": frozenset(AGES),
    "currency": re.compile(r"[A-Z]{3}|other"),
}
"""By label, whatever the metric."""

OF_METRIC: Mapping[str, Mapping[str, Bound]] = {
    "db_pool_connections": {"state": frozenset({"in_use", "idle", "overflow"})},
    "db_role_connections": {"state": frozenset({"active", "idle", "idle_in_transaction", "other"})},
    "events_consumed_total": {"outcome": frozenset(OUTCOMES)},
    "gateway_automatic_operations_total": {
        "outcome": frozenset({"found", "not_found", "kept", "too_large", "redis_away"})
    },
    "gateway_cache_writes_total": {"outcome": frozenset({"kept", "late", "dropped"})},
    "gateway_manifest_loads_total": {"outcome": frozenset({"taken", "refused"})},
    "gateway_manifest_operations": {"state": frozenset({"ready", "unfit"})},
    "gateway_partner_requests_total": {
        "outcome": frozenset({"admitted", "not_listed", "rate_limited", "quota_exceeded"})
    },
    "gateway_requests_total": {"outcome": frozenset({"ok", "partial", "degraded", "refused", "failed", "shed"})},
    "gateway_shared_rate_checks_total": {"outcome": frozenset({"admitted", "refused", "away"})},
    "gateway_subgraph_requests_total": {"outcome": frozenset({"ok", "failed", "unavailable", "left_alone"})},
    "gateway_supergraph_loads_total": {"outcome": frozenset({"swapped", "refused"})},
    "graphql_operations_total": {"outcome": frozenset({"ok", "error"})},
    "ledger_balance_cents": {"kind": frozenset(AccountKind)},
    "live_notes_total": {"outcome": frozenset({"told", "lost"})},
    "provider_work_open": {"kind": frozenset(WORK)},
    "provider_work_overdue_seconds": {"kind": frozenset(WORK)},
    "replica_reads_total": {"outcome": frozenset({"replica", "own_write", "stale", "failed", "resting"})},
    "saga_checkouts": {"state": frozenset(STATES)},
    "saga_oldest_checkout_seconds": {"state": frozenset(STATES)},
}
"""Where the same label means something else to each."""

MOST_SERIES = 4000
"""Of one process. Currencies have a cap of their own."""
assert MOST_CURRENCIES <= 20


def bound_of(metric: str, label: str) -> Bound | None:
    return OF_METRIC.get(metric, {}).get(label) or LABELS.get(label)


def is_within(bound: Bound, value: str) -> bool:
    return value in bound if isinstance(bound, frozenset) else bound.fullmatch(value) is not None

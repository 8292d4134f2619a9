"""For each alert: figures under which it fires, and figures near to them under which it keeps still."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Series: TypeAlias = dict[str, str]
"""By series: values, `every` so far apart, in promtool's notation (`0+5x60`: from 0, five more each of 60 minutes)."""


@dataclass(frozen=True, slots=True)
class Case:
    """At `at` the alert fires once, with `labels`, under `fires`; under `calm` it does not.

    `every` stays below the five minutes for which Prometheus believes a value: promtool may look at an alert before the
    records that it stands on.
    """

    fires: Series
    calm: Series
    at: str
    severity: str
    labels: Mapping[str, str]
    every: str = "1m"


def _requests(good: str, **bad: str) -> Series:
    counted = {f'gateway_requests_total{{outcome="{outcome}"}}': values for outcome, values in bad.items()}
    return {'gateway_requests_total{outcome="ok"}': good} | counted


def _answers(all_of_them: str, within_half_a_second: str) -> Series:
    return {
        "gateway_request_seconds_count": all_of_them,
        'gateway_request_seconds_bucket{le="0.5"}': within_half_a_second,
    }


def _depths(ready: str, dead: str = "0x20") -> Series:
    """On two nodes: a queue is on one of them alone."""
    return {
        'rabbitmq_detailed_queue_messages_ready{vhost="/",queue="orders.command",instance="a"}': ready,
        'rabbitmq_detailed_queue_messages_ready{vhost="/",queue="orders.command.dlq",instance="a"}': dead,
        'rabbitmq_detailed_queue_messages{vhost="/",queue="orders.command",instance="a"}': ready,
        'rabbitmq_detailed_queue_messages{vhost="/",queue="orders.command.dlq",instance="b"}': dead,
    }


def _connections(idle: str) -> Series:
    """As two replicas of a worker count the same ones."""
    counted = {
        f'db_role_connections{{domain="orders",state="{state}",instance="{replica}"}}': values
        for state, values in {"active": "5x120", "idle": idle}.items()
        for replica in "ab"
    }
    return counted | {
        f'db_server_connection_limit{{domain="orders",instance="{replica}"}}': "100x120" for replica in "ab"
    }


def _lags(name: str, labels: str, *, few: str, count: str, bounds: tuple[str, str]) -> Series:
    """A histogram: `few` of them below the first bound, all below the second."""
    values = {bounds[0]: few, bounds[1]: count, "+Inf": count}
    return {f'{name}_bucket{{{labels},le="{bound}"}}': counts for bound, counts in values.items()}


_QUEUE = {"vhost": "/", "queue": "orders.command"}
_CONSUMED = 'consumer="orders.command"'
_POOL = 'domain="orders",pool="primary"'

CASES: Mapping[str, Case] = {
    # 2 % of requests for an hour; then 8 % that have ended half an hour ago.
    "AvailabilityBudgetBurnsFast": Case(
        _requests("0+980x70", failed="0+20x70"), _requests("0+920x70", failed="0+80x30 2400x40"), "70m", "page", {}
    ),
    "AvailabilityBudgetBurnsSlowly": Case(
        _requests("0+996x375", degraded="0+4x375"),
        _requests("0+997x375", partial="0+200x375", degraded="0+0.5x375"),
        "25h",
        "ticket",
        {},
        every="4m",
    ),
    "LatencyBudgetBurnsFast": Case(
        _answers("0+1000x70", "0+800x70"), _answers("0+1000x70", "0+500x30 15000+1000x40"), "70m", "page", {}
    ),
    "LatencyBudgetBurnsSlowly": Case(
        _answers("0+1000x375", "0+960x375"), _answers("0+1000x375", "0+995x375"), "25h", "ticket", {}, every="4m"
    ),
    "OutboxLagging": Case(
        {'outbox_lag_seconds{domain="orders",instance="a"}': "0 61+60x10"},
        {'outbox_lag_seconds{domain="orders",instance="a"}': "0 61 5x10"},
        "5m",
        "page",
        {"domain": "orders"},
    ),
    "EventsUnroutable": Case(
        {'events_unroutable_total{domain="orders",event="order.paid"}': "0x5 1x5"},
        {'events_unroutable_total{domain="orders",event="order.paid"}': "1x20"},
        "10m",
        "ticket",
        {"domain": "orders", "event": "order.paid"},
    ),
    "QueueDeep": Case(_depths("1001x20"), _depths("1000x20", dead="5000x20"), "10m", "page", _QUEUE),
    "QueueUnread": Case(
        {
            'rabbitmq_detailed_queue_consumers{vhost="/",queue="orders.command"}': "1 0x10",
            'rabbitmq_detailed_queue_consumers{vhost="/",queue="orders.command.dlq"}': "0x10",
        },
        {
            'rabbitmq_detailed_queue_consumers{vhost="/",queue="orders.command"}': "0 0 1x10",
            'rabbitmq_detailed_queue_consumers{vhost="/",queue="orders.command.dlq"}': "0x12",
        },
        "5m",
        "page",
        _QUEUE,
    ),
    "ConsumerLate": Case(
        _lags("event_lag_seconds", _CONSUMED, few="0+80x20", count="0+100x20", bounds=("15.0", "60.0")),
        _lags("event_lag_seconds", _CONSUMED, few="0+95x20", count="0+100x20", bounds=("15.0", "60.0")),
        "15m",
        "ticket",
        {"consumer": "orders.command"},
    ),
    "DeadLetters": Case(
        _depths("0x20", dead="0x4 1x10"),
        _depths("7x20"),
        "5m",
        "ticket",
        {"vhost": "/", "queue": "orders.command.dlq"},
    ),
    "DatabaseConnectionSpike": Case(
        _connections("5x90 30x20"), _connections("25x120"), "100m", "ticket", {"domain": "orders"}
    ),
    "DatabaseConnectionsNearLimit": Case(_connections("76x120"), _connections("75x120"), "20m", "page", {}),
    "DatabasePoolExhausted": Case(
        _lags("db_pool_wait_seconds", _POOL, few="0+90x20", count="0+100x20", bounds=("0.5", "30.0")),
        _lags("db_pool_wait_seconds", _POOL, few="0+99x20", count="0+100x20", bounds=("0.5", "30.0")),
        "15m",
        "ticket",
        {"domain": "orders", "pool": "primary"},
    ),
    "CheckoutsStuck": Case(
        {'saga_oldest_checkout_seconds{state="PAID"}': "0 301+60x10"},
        {
            'saga_oldest_checkout_seconds{state="PAID"}': "300x10",
            'saga_oldest_checkout_seconds{state="AWAITING_PAYMENT"}': "800x10",
        },
        "5m",
        "page",
        {"state": "PAID"},
    ),
    "CheckoutsOverdue": Case(
        {"saga_overdue_checkouts": "0 3x10"}, {"saga_overdue_checkouts": "0 3 3 0x10"}, "5m", "page", {}
    ),
    "SagaEventsParked": Case({"saga_parked_events": "1x30"}, {"saga_parked_events": "1x10 0x20"}, "20m", "ticket", {}),
    "ReservationsOrphaned": Case(
        {"inventory_orphaned_reservations": "2x20"}, {"inventory_orphaned_reservations": "0x20"}, "10m", "ticket", {}
    ),
    "StockMismatch": Case(
        {'inventory_stock_mismatches{invariant="reserved"}': "1x10"},
        {'inventory_stock_mismatches{invariant="reserved"}': "0x10"},
        "5m",
        "page",
        {"invariant": "reserved"},
    ),
    "LedgerImbalance": Case(
        {'ledger_imbalance_cents{currency="EUR"}': "0 -1x10", 'ledger_imbalance_cents{currency="SEK"}': "0x10"},
        {'ledger_imbalance_cents{currency="EUR"}': "0x10"},
        "2m",
        "page",
        {"currency": "EUR"},
    ),
    "ProviderWorkOverdue": Case(
        {'provider_work_overdue_seconds{kind="refund"}': "901x20"},
        {'provider_work_overdue_seconds{kind="refund"}': "300x20"},
        "10m",
        "ticket",
        {"kind": "refund"},
    ),
    # Time begins at zero in these tests. A process without TLS tells 0.
    "CertificateExpiresSoon": Case(
        {'tls_certificate_not_after_timestamp_seconds{job="orders-api"}': "1000000x60"},
        {
            'tls_certificate_not_after_timestamp_seconds{job="orders-api"}': "2000000x60",
            'tls_certificate_not_after_timestamp_seconds{job="orders-worker"}': "0x60",
        },
        "30m",
        "ticket",
        {"job": "orders-api"},
    ),
    "CertificateExpires": Case(
        {'gateway_tls_certificate_not_after_timestamp_seconds{job="gateway",use="listener"}': "200000x60"},
        {'gateway_tls_certificate_not_after_timestamp_seconds{job="gateway",use="listener"}': "1000000x60"},
        "30m",
        "page",
        {"job": "gateway", "use": "listener"},
    ),
    "WorkerTaskStale": Case(
        {
            'worker_task_last_success_timestamp_seconds{domain="orders",task="measure"}': "60x20",
            'worker_task_interval_seconds{domain="orders",task="measure"}': "5x20",
        },
        {
            'worker_task_last_success_timestamp_seconds{domain="orders",task="measure",instance="a"}': "60x20",
            'worker_task_last_success_timestamp_seconds{domain="orders",task="measure",instance="b"}': "0+60x20",
            'worker_task_interval_seconds{domain="orders",task="measure",instance="a"}': "5x20",
        },
        "10m",
        "ticket",
        {"domain": "orders", "task": "measure"},
    ),
}

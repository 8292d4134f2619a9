"""What Prometheus scrapes in a stack: every process of the register that is ours, and the broker. Rules as in production."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from shared.devstack.backing import Backing
from shared.devstack.layout import Layout
from shared.devstack.ports import LOOPBACK
from shared.devstack.servers.prometheus import PrometheusServer
from shared.devstack.services import Service
from shared.register import PROJECT_ROOT

RULES = PROJECT_ROOT / "charts" / "marketplace" / "rules"
BROKER_FAMILIES = ("queue_coarse_metrics", "queue_consumer_count", "connection_churn_metrics")
"""Of RabbitMQ's `/metrics/detailed`: a line a queue, where `/metrics` adds all queues up."""


def prometheus_of(layout: Layout) -> PrometheusServer:
    """The stack's own, started or not."""
    return PrometheusServer(layout.directory / "prometheus", layout.prometheus_port, layout.logs / "prometheus.log")


def configuration(listed: Sequence[Service], backing: Backing, *, every: str = "5s") -> dict[str, Any]:
    """One job a process, named as the process: in Kubernetes a job is named after its Service alike.

    Of a broker that is not the stack's own it is not known where it tells its metrics.
    """
    jobs = [_job(service.name, port) for service in listed if (port := _metrics_port(service))]
    if backing.rabbitmq:
        jobs += _broker_jobs(backing.rabbitmq.ports.metrics)
    return {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "rule_files": [f"{RULES}/*.yaml"],
        "scrape_configs": jobs,
    }


def _metrics_port(service: Service) -> int | None:
    """Stand-ins for the outside world tell none."""
    return service.operations_port or (service.port if service.ready_url else None)


def _broker_jobs(port: int) -> Iterator[dict[str, Any]]:
    yield _job("rabbitmq", port)
    yield _job("rabbitmq-queues", port) | {
        "metrics_path": "/metrics/detailed",
        "params": {"family": [*BROKER_FAMILIES]},
    }


def _job(name: str, port: int) -> dict[str, Any]:
    return {"job_name": name, "static_configs": [{"targets": [f"{LOOPBACK}:{port}"]}]}

"""The tables at the end: what runs where, who may sign in, what to try first."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import httpx
import psutil

from shared.devstack.addresses import without_password
from shared.devstack.backing import Backing
from shared.devstack.fleet import is_ready
from shared.devstack.layout import Layout
from shared.devstack.monitoring import prometheus_of
from shared.devstack.processes import TrackedProcess
from shared.devstack.screen import Screen
from shared.devstack.services import Service

LOGINS_FILE = "logins.json"
EXAMPLE_QUERY = "{ products(first: 3) { edges { node { title variants { sku price { amount currency } } } } } }"


def show_services(layout: Layout, listed: Sequence[Service], backing: Backing, screen: Screen) -> None:
    """One row a server and a service."""
    tracked = {server.process.name: server.process for server in backing.servers}
    addresses = {
        "postgres": backing.addresses.postgres,
        "redis": backing.addresses.redis,
        "rabbitmq": backing.addresses.rabbitmq,
        "pgbouncer": backing.addresses.postgres_pooler,
    }
    rows = [
        [
            name,
            without_password(address),
            *(_facts(tracked[name], ready=True) if name in tracked else ("yours", "", "")),
        ]
        for name, address in addresses.items()
        if address
    ]
    if (prometheus := prometheus_of(layout)).was_asked_for:
        rows.append(["prometheus", prometheus.url, *_facts(prometheus.process, ready=prometheus.is_ready())])
    with httpx.Client(trust_env=False, timeout=2) as client:
        for service in listed:
            process = layout.process(service.name)
            ready = process.find() is not None and is_ready(service, client)
            rows.append([service.name, _address(service), *_facts(process, ready=ready)])
    screen.show_table(("what", "where", "state", "pid", "since"), rows)
    screen.say(f"Logs: {layout.logs}/<what>.log or ./task logs <what>")


def show_logins(layout: Layout, screen: Screen) -> None:
    file = layout.secrets / LOGINS_FILE
    if file.exists():
        logins = json.loads(file.read_text(encoding="utf-8"))
        rows = [[login["role"], login["email"], login["password"]] for login in logins]
        screen.show_table(("role", "email", "password"), rows, title="\nDemo logins")


def show_welcome(layout: Layout, screen: Screen) -> None:
    body = json.dumps({"query": EXAMPLE_QUERY})
    explorer = layout.gateway_url.removesuffix("graphql")
    screen.console.print(f"\nThe explorer: {explorer}", markup=False)
    screen.console.print(f"The graph: {layout.gateway_url}   A query to paste:\n", markup=False)
    screen.console.print(
        f"curl -s {layout.gateway_url} -H 'content-type: application/json' -d '{body}'\n", markup=False, soft_wrap=True
    )


def _address(service: Service) -> str:
    if service.ready_url is None or service.name == "gateway" or service.port != service.operations_port:
        path = "/graphql" if service.ready_url else ""
        return f"http://127.0.0.1:{service.port}{path}"
    return f"http://127.0.0.1:{service.operations_port}/metrics"


def _facts(process: TrackedProcess, *, ready: bool) -> tuple[str, str, str]:
    """State, pid and age."""
    running = process.find()
    if running is None:
        return "[red]down", "", ""
    return "[green]ready" if ready else "[yellow]starting", str(running.pid), _age(running)


def _age(process: psutil.Process) -> str:
    seconds = int(time.time() - process.create_time())
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"

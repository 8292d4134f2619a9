"""Which processes a stack runs, each with its arguments, environment and sign of readiness: read off the register."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from shared.devstack.addresses import with_login
from shared.devstack.bootstrap import DATABASE
from shared.devstack.gateway_config import SUPERGRAPH_FILE
from shared.devstack.keys import GATEWAY_JWKS, SEALING_PUBLIC_KEY
from shared.devstack.layout import Layout
from shared.devstack.passwords import Passwords
from shared.register import PROJECT_ROOT, Evictor, ExtraProcess, Subgraph


@dataclass(frozen=True, slots=True)
class Addresses:
    """The servers, as their administrators reach them."""

    postgres: str
    redis: str
    rabbitmq: str
    rabbitmq_management: str
    postgres_pooler: str = ""
    """A transaction pooler before Postgres, such as pgBouncer: then the services connect there."""


@dataclass(frozen=True, slots=True)
class Service:
    """`python -m <module> <arguments>`. Ready when `ready_url` answers 200 or, without one, when `port` is open."""

    name: str
    module: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    port: int
    operations_port: int | None
    ready_url: str | None
    forked: bool = True
    """Born of the nursery, which has the libraries loaded; the gateway is not: it starts light, without them."""


def services(layout: Layout, addresses: Addresses, passwords: Passwords) -> list[Service]:
    """All of them: for each subgraph its API, its worker and its further processes; then the evictor and the gateway."""
    listed: list[Service] = []
    for subgraph in layout.register.subgraphs:
        environment = _environment(layout, addresses, passwords, subgraph)
        listed.append(_runtime(subgraph, "api", environment, subgraph.api_operations_port))
        listed.append(_runtime(subgraph, "worker", environment, subgraph.worker_operations_port))
        listed.extend(
            Service(
                name=f"{subgraph.name}-{name.replace('_', '-')}",
                module=process.module,
                arguments=("--port", str(process.port)),
                environment=_outsider_environment(layout, subgraph, process),
                port=process.port,
                operations_port=None,
                ready_url=None,
            )
            for name, process in subgraph.processes.items()
        )
    if layout.register.evictor:
        listed.append(_evictor(layout.register.evictor, addresses, passwords))
    return [*listed, _gateway(layout, addresses)]


def _runtime(subgraph: Subgraph, kind: str, environment: dict[str, str], operations_port: int) -> Service:
    return Service(
        name=f"{subgraph.name}-{kind}",
        module="shared.runtime",
        arguments=(kind, subgraph.name),
        environment=environment | {"OPERATIONS_PORT": str(operations_port)},
        port=subgraph.port if kind == "api" else operations_port,
        operations_port=operations_port,
        ready_url=f"http://127.0.0.1:{operations_port}/health/ready",
    )


def _evictor(evictor: Evictor, addresses: Addresses, passwords: Passwords) -> Service:
    login = with_login(addresses.rabbitmq, evictor.name, passwords.rabbitmq[evictor.name])
    return Service(
        name=evictor.name,
        module="supergraph.evictor",
        arguments=(),
        environment=inherited()
        | {"RABBITMQ_URL": login, "REDIS_URL": addresses.redis, "OPERATIONS_PORT": str(evictor.port)},
        port=evictor.port,
        operations_port=evictor.port,
        ready_url=f"http://127.0.0.1:{evictor.port}/health/ready",
    )


def _gateway(layout: Layout, addresses: Addresses) -> Service:
    options = {"supergraph": SUPERGRAPH_FILE, "port": layout.gateway_port, "config": layout.gateway_config}
    return Service(
        name="gateway",
        module="gateway",
        arguments=tuple(part for name, value in options.items() for part in (f"--{name}", str(value))),
        environment=inherited() | {"REDIS_URL": addresses.redis},
        port=layout.gateway_port,
        operations_port=None,
        ready_url=f"http://127.0.0.1:{layout.gateway_port}/health/ready",
        forked=False,
    )


def _environment(layout: Layout, addresses: Addresses, passwords: Passwords, subgraph: Subgraph) -> dict[str, str]:
    """A service gets its own logins and its own secrets, and nobody else's."""
    name, postgres = subgraph.name, addresses.postgres_pooler or addresses.postgres
    return (
        inherited()
        | {
            "POSTGRES_URL": with_login(postgres, name, passwords.postgres[name], path=DATABASE),
            "POSTGRES_POOLER": str(bool(addresses.postgres_pooler)).lower(),
            "REDIS_URL": addresses.redis,
            "RABBITMQ_URL": with_login(addresses.rabbitmq, name, passwords.rabbitmq[name]),
            "PORT": str(subgraph.port),
            "API_URL": f"http://127.0.0.1:{subgraph.port}",
            "GATEWAY_URL": layout.gateway_url,
            "GATEWAY_JWKS_FILE": str(layout.secrets / GATEWAY_JWKS),
            "SEALING_PUBLIC_KEY_FILE": str(layout.secrets / SEALING_PUBLIC_KEY),
            "ENVIRONMENT": "development",
        }
        | {f"{process.upper()}_PORT": str(extra.port) for process, extra in subgraph.processes.items()}
        | {variable: str(layout.secrets / file) for variable, file in subgraph.secrets.items()}
    )


def _outsider_environment(layout: Layout, subgraph: Subgraph, process: ExtraProcess) -> dict[str, str]:
    """A stand-in for the outside world knows no more than the outside world would: where to call, and its own secrets."""
    return (
        inherited()
        | {
            "PORT": str(process.port),
            "API_URL": f"http://127.0.0.1:{subgraph.port}",
            "STATE_DIRECTORY": str(layout.directory / "state"),
        }
        | {variable: str(layout.secrets / file) for variable, file in process.secrets.items()}
    )


def inherited() -> dict[str, str]:
    """What a service takes over from the caller: the place, the locale and switches, no address and no login."""
    passed = ("HOME", "LANG", "LC_ALL", "PATH", "TZ", "TMPDIR", "LOG_LEVEL", "CLOCK_OFFSET_SECONDS", "BUILD_VERSION")
    prefixes = ("OTEL_", "PYTHON")
    chosen = {name: value for name, value in os.environ.items() if name in passed or name.startswith(prefixes)}
    return chosen | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(PROJECT_ROOT)}

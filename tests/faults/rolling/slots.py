"""Two places for each service: the new process starts in the free one, and then the old one is told to stop."""

from __future__ import annotations

from dataclasses import dataclass, replace

from shared.devstack.ports import free_ports
from shared.devstack.services import Service

SHUTDOWN_DELAY = 5.0
"""Longer than the gateway keeps an idle connection (`transport.idle_timeout`), so that none is closed under a request."""


@dataclass(frozen=True, slots=True)
class Slot:
    """`service` as it runs here: on ports of its own, under a name of its own."""

    letter: str
    service: Service


@dataclass(frozen=True, slots=True)
class Rolled:
    """A service that is restarted without a pause."""

    name: str
    slots: tuple[Slot, Slot]


@dataclass(frozen=True, slots=True)
class Balanced(Rolled):
    """One that is asked at `port`, whoever answers there."""

    port: int


def of_api(service: Service) -> Balanced:
    return Balanced(service.name, (_api(service, "a"), _api(service, "b")), service.port)


def of_worker(service: Service) -> Rolled:
    """A worker, or the evictor: nobody asks it, its broker hands it work."""
    return Rolled(service.name, (_worker(service, "a"), _worker(service, "b")))


def of_gateway(service: Service) -> Balanced:
    return Balanced(service.name, (_gateway(service, "a"), _gateway(service, "b")), service.port)


def _api(service: Service, letter: str) -> Slot:
    port, operations = free_ports(2)
    own = {"PORT": str(port), "OPERATIONS_PORT": str(operations), "SHUTDOWN_DELAY": str(SHUTDOWN_DELAY)}
    return _slot(service, letter, own, port, operations)


def _worker(service: Service, letter: str) -> Slot:
    (operations,) = free_ports(1)
    return _slot(service, letter, {"OPERATIONS_PORT": str(operations)}, operations, operations)


def _gateway(service: Service, letter: str) -> Slot:
    (port,) = free_ports(1)
    arguments = list(service.arguments)
    arguments[arguments.index("--port") + 1] = str(port)
    slot = _slot(service, letter, {}, port, None)
    return replace(slot, service=replace(slot.service, arguments=tuple(arguments)))


def _slot(service: Service, letter: str, own: dict[str, str], port: int, operations: int | None) -> Slot:
    return Slot(
        letter,
        replace(
            service,
            name=f"{service.name}-{letter}",
            environment={**service.environment, **own},
            port=port,
            operations_port=operations,
            ready_url=f"http://127.0.0.1:{operations or port}/health/ready",
        ),
    )

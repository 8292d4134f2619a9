"""Where a stack keeps its things and on which ports it listens."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from shared.devstack.processes import TrackedProcess
from shared.devstack.servers.rabbitmq import RabbitPorts
from shared.register import PROJECT_ROOT, Register, load_register

MOVED_PREFIX = "offset-"


@dataclass(frozen=True, slots=True)
class Layout:
    """One stack: its folder, its register and its ports. `offset` moves every port, so that two stacks can run."""

    directory: Path
    register: Register
    offset: int = 0

    @property
    def gateway_port(self) -> int:
        return 4000 + self.offset

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.gateway_port}/graphql"

    @property
    def postgres_port(self) -> int:
        return 4501 + self.offset

    @property
    def redis_port(self) -> int:
        return 4502 + self.offset

    @property
    def rabbit_ports(self) -> RabbitPorts:
        first = 4503 + self.offset
        return RabbitPorts(amqp=first, management=first + 1, metrics=first + 2, distribution=first + 3, epmd=first + 4)

    @property
    def prometheus_port(self) -> int:
        return 4508 + self.offset

    @property
    def pooler_port(self) -> int:
        return 4509 + self.offset

    @property
    def subgraph_addresses(self) -> dict[str, str]:
        """By name, as in `http://127.0.0.1:4101`."""
        return {subgraph.name: subgraph.routing_url.removesuffix("/graphql") for subgraph in self.register.subgraphs}

    @property
    def secrets(self) -> Path:
        return self.directory / "secrets"

    @property
    def logs(self) -> Path:
        return self.directory / "logs"

    @property
    def gateway_config(self) -> Path:
        return self.directory / "gateway.yaml"

    def process(self, name: str) -> TrackedProcess:
        return TrackedProcess(name, self.directory / "run" / f"{name}.json", self.logs / f"{name}.log")


def default_layout() -> Layout:
    """The stack of this checkout, moved by `PORT_OFFSET` where that is set."""
    return layout_at(int(os.environ.get("PORT_OFFSET", "0")))


def layout_at(offset: int) -> Layout:
    """`.stack/`, or the folder in it that belongs to the moved stack."""
    directory = PROJECT_ROOT / ".stack"
    if offset:
        directory /= f"{MOVED_PREFIX}{offset}"
    return Layout(directory, moved(load_register(), offset), offset)


def moved(register: Register, offset: int) -> Register:
    """The register with every port moved by `offset`."""
    evictor = register.evictor and register.evictor.model_copy(update={"port": register.evictor.port + offset})
    return Register(
        evictor=evictor,
        subgraphs=tuple(
            subgraph.model_copy(
                update={
                    "port": subgraph.port + offset,
                    "processes": {
                        name: process.model_copy(update={"port": process.port + offset})
                        for name, process in subgraph.processes.items()
                    },
                }
            )
            for subgraph in register.subgraphs
        ),
    )

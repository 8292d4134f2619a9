"""Reads `supergraph/supergraph.yaml`, the one list of subgraphs, into typed values."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import yaml
from pydantic import BaseModel, ConfigDict, Field

PROJECT_ROOT = Path(__file__).resolve().parent.parent
REGISTER_FILE = PROJECT_ROOT / "supergraph" / "supergraph.yaml"
EXCHANGE = "domain.topic"
DEAD_LETTER_EXCHANGE = "dlx"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ExtraProcess(_Entry):
    """A process beside `api` and `worker`: `python -m <module> --port <port>`."""

    module: str
    port: int
    secrets: dict[str, str] = Field(default_factory=dict)
    """As its subgraph's: it gets none of those, nor its subgraph's logins."""


class Subgraph(_Entry):
    """One subgraph. `name` is also its package, Postgres schema, database role and broker user."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    port: int
    publishes: tuple[str, ...] = ()
    queues: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    processes: dict[str, ExtraProcess] = Field(default_factory=dict)
    secrets: dict[str, str] = Field(default_factory=dict)
    """Environment variable of its processes → the file among the stack's secrets that it names."""

    @property
    def routing_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    @property
    def api_operations_port(self) -> int:
        """Health and metrics of the API process."""
        return self.port + 100

    @property
    def worker_operations_port(self) -> int:
        """Health and metrics of the worker process."""
        return self.port + 200

    @property
    def schema_file(self) -> Path:
        return PROJECT_ROOT / "subgraphs" / self.name / "schema.graphql"

    @property
    def migrations(self) -> Path:
        return PROJECT_ROOT / "migrations" / self.name


class Evictor(_Entry):
    """The process that ends cached public answers when something has happened; a broker user with one queue of its own.

    `evicts` has, by event name, the tags that the event evicts; a `{name}` in them is a member of the event's payload.
    """

    port: int
    """Health and metrics."""
    queue: str
    evicts: dict[str, tuple[str, ...]]

    @property
    def name(self) -> str:
        return "evictor"

    @property
    def publishes(self) -> tuple[str, ...]:
        return ()

    @property
    def queues(self) -> dict[str, tuple[str, ...]]:
        return {self.queue: tuple(self.evicts)}


BrokerUser: TypeAlias = Subgraph | Evictor


class Register(_Entry):
    subgraphs: tuple[Subgraph, ...]
    evictor: Evictor | None = None

    @property
    def broker_users(self) -> tuple[BrokerUser, ...]:
        """All that have a login at the broker, each with its queues."""
        return (*self.subgraphs, self.evictor) if self.evictor else self.subgraphs

    def get(self, name: str) -> Subgraph:
        """The subgraph of that name; raises KeyError with the known names."""
        for subgraph in self.subgraphs:
            if subgraph.name == name:
                return subgraph
        known = ", ".join(subgraph.name for subgraph in self.subgraphs)
        raise KeyError(f"no subgraph {name!r} in the register; known: {known}")


def dead_letter_queue(queue: str) -> str:
    """Each queue has a dead-letter queue of its own, bound to `dlx` by the queue's name."""
    return f"{queue}.dlq"


def load_register(file: Path = REGISTER_FILE) -> Register:
    return Register.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))

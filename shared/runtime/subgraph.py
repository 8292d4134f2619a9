"""What a domain's `app.py` builds, and what it builds it from: the composition root's two shapes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from redis.asyncio import Redis
from starlette.routing import BaseRoute

from shared.clock import Clock
from shared.db.database import Database
from shared.graphql.endpoint import ContextFactory
from shared.graphql.schema import SubgraphSchema
from shared.graphql.writes import Writes
from shared.messaging.consumer import QueueConsumer
from shared.messaging.live import LiveHub
from shared.messaging.notes import LiveNotes
from shared.messaging.outbox import Outbox
from shared.settings import ServiceSettings

S = TypeVar("S", bound=ServiceSettings)


@dataclass(frozen=True, slots=True)
class Resources(Generic[S]):
    """What a process holds for its domain."""

    domain: str
    settings: S
    database: Database
    redis: Redis
    outbox: Outbox
    writes: Writes
    notes: LiveNotes
    hub: LiveHub
    clock: Clock


@dataclass(frozen=True, slots=True)
class Job:
    """Work by the clock, run by every worker: it must be safe with several replicas (SKIP LOCKED or a lease)."""

    name: str
    every: timedelta
    run: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Subgraph:
    """One domain, ready to serve. `exempt` are paths of `routes` that need no internal token (JWKS, a signed webhook)."""

    schema: SubgraphSchema
    context: ContextFactory
    consumers: tuple[QueueConsumer, ...] = ()
    jobs: tuple[Job, ...] = ()
    routes: tuple[BaseRoute, ...] = ()
    exempt: frozenset[str] = frozenset()

"""Opens what a process of a domain needs and closes it again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from shared.cache.impatient import impatient_redis
from shared.cache.redis_cache import RedisCache
from shared.cache.traced_redis import TracedRedis
from shared.clock import Clock
from shared.db.database import Database
from shared.graphql.late_writers import LateWriters
from shared.graphql.writes import SHORT_TERM, Writes
from shared.messaging.live import LiveHub
from shared.messaging.notes import LiveNotes
from shared.messaging.outbox import Outbox
from shared.messaging.schemas import EventSchemas
from shared.messaging.wake import RelayWake
from shared.runtime.subgraph import Resources
from shared.settings import ServiceSettings

S = TypeVar("S", bound=ServiceSettings)


@asynccontextmanager
async def open_resources(domain: str, settings: S, *, clock: Clock | None = None) -> AsyncIterator[Resources[S]]:
    """Connections are made at first use; the schemas of all events are read now."""
    clock = clock or settings.clock()
    database = Database(
        settings.postgres_url,
        application_name=domain,
        pool_size=settings.postgres_pool_size,
        pooler=settings.postgres_pooler,
        replica_url=settings.postgres_replica_url,
        replica_staleness=settings.postgres_replica_staleness,
    )
    # All goes on without Redis, so nothing waits for it: one more try, at once, lest a connection that it closed counts.
    again = Retry(NoBackoff(), 1)
    redis = TracedRedis.from_url(settings.redis_url, socket_timeout=1, socket_connect_timeout=1, retry=again)
    # Asked before every report where there is a replica: it answers at once, or the primary is read.
    hurried = impatient_redis(settings.redis_url, timeout=0.5, connections=10)
    hub = LiveHub(redis, domain)
    try:
        yield Resources(
            domain=domain,
            settings=settings,
            database=database,
            redis=redis,
            outbox=Outbox(domain, EventSchemas(), clock, RelayWake(redis, domain).send),
            writes=Writes(
                database,
                RedisCache(redis, prefix=f"idempotency:{domain}", ttl=SHORT_TERM),
                _late_writers(hurried, domain, settings),
            ),
            notes=LiveNotes(redis, domain),
            hub=hub,
            clock=clock,
        )
    finally:
        await hub.aclose()
        await hurried.aclose()
        await redis.aclose()
        await database.close()


def _late_writers(redis: Redis, domain: str, settings: ServiceSettings) -> LateWriters | None:
    if settings.postgres_replica_url is None:
        return None
    return LateWriters(redis, domain, staleness=timedelta(seconds=settings.postgres_replica_staleness))

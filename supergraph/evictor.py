"""`python -m supergraph.evictor`: ends cached public answers when an event says that what they are about has changed.

It reads a queue of its own and stamps tags in Redis, as `evicts` in the register says. It has no database: doing it twice does no
harm, and what is not done stays in the queue.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

import uvloop
from redis.exceptions import RedisError

from shared.cache.entries import ANY, EDGE, tag
from shared.cache.tagged_cache import TaggedCache
from shared.cache.traced_redis import TracedRedis
from shared.clock import Clock, system_clock
from shared.http.operations import operations_app
from shared.messaging.contract import ReceivedEvent, UndecodableMessage, decode
from shared.messaging.intake import Answer, Delivery
from shared.messaging.schemas import EventSchemas, InvalidEvent
from shared.messaging.subscriber import QueueReader
from shared.register import load_register
from shared.runtime.server import serve, stop_on_signal
from shared.settings import ProcessSettings
from shared.telemetry.logs import configure_logging
from shared.telemetry.metrics import EVENT_LAG_SECONDS, EVENTS_CONSUMED, EVICTION_SECONDS, EVICTIONS
from shared.telemetry.process import describe_process
from shared.telemetry.tracing import configure_tracing

log = logging.getLogger(__name__)

PREFETCH = 100
_PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0)
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class EvictionRules:
    """From an event to the tags that it evicts."""

    def __init__(self, evicts: Mapping[str, Sequence[str]]) -> None:
        self._evicts = evicts

    def tags(self, event: ReceivedEvent) -> frozenset[str]:
        """Empty for an event that no rule names. A member that is null or missing names nothing."""
        found = (_filled(template, event.payload) for template in self._evicts.get(event.name, ()))
        return frozenset(name for name in found if name is not None)


def _filled(template: str, payload: Mapping[str, Any]) -> str | None:
    type_name, _, key = template.partition(":")
    match = _PLACEHOLDER.fullmatch(key)
    if match is None:
        return tag(type_name, key or ANY)
    value = payload.get(match[1])
    return None if value is None else tag(type_name, str(value))


class Eviction:
    """What becomes of one delivery: evicted, however long Redis is away meanwhile, or dead where it is no event."""

    def __init__(
        self, queue: str, rules: EvictionRules, cache: TaggedCache, schemas: EventSchemas, clock: Clock = system_clock
    ) -> None:
        self._queue = queue
        self._rules = rules
        self._cache = cache
        self._schemas = schemas
        self._clock = clock

    async def settle(self, delivery: Delivery) -> Answer:
        """A cancellation leaves it unanswered, to be delivered again. The broker sends no more than the prefetch meanwhile."""
        try:
            event, body = decode(
                delivery.body,
                message_id=delivery.message_id,
                correlation_id=delivery.correlation_id,
                headers=delivery.headers,
                published_as=delivery.published_as,
            )
            self._schemas.check_read(body)
            tags = self._rules.tags(event)
        except (UndecodableMessage, InvalidEvent, ValueError) as error:
            log.error("not an event", extra={"consumer": self._queue, "error": error})  # noqa: TRY400
            self._count("dead_lettered")
            return Answer.REJECT
        await self._evict(tags)
        self._count("taken" if tags else "unhandled")
        EVICTIONS.labels(event.name).inc(len(tags))
        lag = max(0.0, (self._clock() - event.occurred_at).total_seconds())
        EVICTION_SECONDS.observe(lag)
        EVENT_LAG_SECONDS.labels(self._queue).observe(lag)
        return Answer.ACKNOWLEDGE

    async def _evict(self, tags: frozenset[str]) -> None:
        tries = 0
        while True:
            try:
                await self._cache.evict(tags)
            except (RedisError, OSError) as error:
                self._count("deferred")
                log.warning("waiting for Redis", extra={"consumer": self._queue, "error": error})
            else:
                return
            await asyncio.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
            tries += 1

    def _count(self, outcome: str) -> None:
        EVENTS_CONSUMED.labels(self._queue, outcome).inc()


async def run(settings: ProcessSettings) -> None:
    """Evict until the process is told to stop. Raises KeyError where the register has no evictor."""
    register = load_register()
    if register.evictor is None:
        raise KeyError("the register has no evictor")
    redis = TracedRedis.from_url(settings.redis_url, socket_timeout=1, socket_connect_timeout=1)
    cache = TaggedCache(redis, EDGE)
    eviction = Eviction(register.evictor.queue, EvictionRules(register.evictor.evicts), cache, EventSchemas())
    reader = QueueReader(settings.rabbitmq_url, {register.evictor.queue: eviction.settle}, prefetch=PREFETCH)

    async def answering() -> None:
        await redis.ping()

    stopped = stop_on_signal()
    reading = asyncio.create_task(reader.run())
    # It does not end by itself: where it does, the process stops and is started afresh.
    reading.add_done_callback(lambda _: stopped.set())
    operations = operations_app({"rabbitmq": reader.check, "redis": answering}, stopped=stopped)

    async def leave() -> None:
        reading.cancel()
        await asyncio.wait([reading])

    await serve(
        {settings.operations_port: operations}, host=settings.host, stopped=stopped, drain=leave, tls=settings.tls
    )
    await redis.aclose()


def main() -> None:
    settings = ProcessSettings()
    configure_logging("evictor", settings.log_level)
    describe_process("evictor")
    configure_tracing("evictor", settings.otel_exporter_otlp_endpoint, ratio=settings.otel_traces_sampler_arg)
    uvloop.run(run(settings))


if __name__ == "__main__":
    main()

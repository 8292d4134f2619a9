"""What becomes of one delivery: taken once, retried, or sent to the dead letters. Knows no AMQP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, TypeVar
from uuid import UUID

from shared.clock import Clock, system_clock
from shared.messaging.consumer import QueueConsumer
from shared.messaging.contract import AGGREGATE_ID_HEADER, REPLAY_HEADER, TRACE_HEADER, ReceivedEvent, decode, text_of
from shared.messaging.inbox import MAX_ATTEMPTS, Inbox, Outcome
from shared.messaging.outage import describe, is_outage
from shared.messaging.schemas import EventSchemas
from shared.telemetry import span_names as names
from shared.telemetry.context import Correlation, bind
from shared.telemetry.metrics import EVENT_ATTEMPTS, EVENT_LAG_SECONDS, EVENTS_CONSUMED
from shared.telemetry.spans import note

log = logging.getLogger(__name__)

R = TypeVar("R")

OUTCOMES = ("taken", "duplicate", "unhandled", "failed", "dead_lettered", "deferred")
"""What may become of an attempt, as it is counted."""

_OUTAGE_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as the broker handed it over. `redelivered`: it was handed over before and not answered."""

    body: bytes
    message_id: str | None
    correlation_id: str | None
    headers: Mapping[str, Any]
    redelivered: bool = False
    published_as: str | None = None
    """The routing key that its publisher used; None where an administrator put it into the queue."""


class Answer(Enum):
    ACKNOWLEDGE = auto()
    REJECT = auto()
    """Without requeueing: the broker moves it to the queue's dead letters."""


@dataclass
class _Turn:
    """Where the deliveries of one aggregate queue up."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class Intake:
    """Everything between a consumer's queue and its handlers.

    Deliveries of one aggregate are taken one after the other in this process; that spares most gaps, and guarantees
    nothing: order comes from the version in the event. `backoff` are the pauses in seconds between failed attempts.
    """

    def __init__(
        self,
        consumer: QueueConsumer,
        inbox: Inbox,
        schemas: EventSchemas,
        *,
        backoff: tuple[float, ...] = (0.05, 0.2, 0.5, 1.0),
        clock: Clock = system_clock,
    ) -> None:
        self._consumer = consumer
        self._clock = clock
        self._attempts = EVENT_ATTEMPTS.labels(consumer.queue)
        self._lag = EVENT_LAG_SECONDS.labels(consumer.queue)
        for outcome in OUTCOMES:
            # From zero on: of a counter that begins with its first failure, Prometheus sees no increase.
            EVENTS_CONSUMED.labels(consumer.queue, outcome)
        self._inbox = inbox
        self._schemas = schemas
        self._backoff = backoff
        self._turns: dict[str, _Turn] = {}

    async def settle(self, delivery: Delivery) -> Answer:
        """Returns once the delivery has its final answer; a cancellation leaves it unanswered, to be redelivered.

        While Postgres is away it waits as long as it takes, uncounted: the broker sends no more than the prefetch.
        """
        event_id = _event_id(delivery)
        if event_id is None:
            self._count("dead_lettered")
            log.error("message without an event id", extra={"consumer": self._consumer.queue})
            return Answer.REJECT
        story = Correlation(
            delivery.correlation_id or str(event_id), str(event_id), text_of(delivery.headers, TRACE_HEADER)
        )
        with bind(story):
            return await self._settle_in_turn(delivery, event_id)

    async def _settle_in_turn(self, delivery: Delivery, event_id: UUID) -> Answer:
        async with self._turn(str(delivery.headers.get(AGGREGATE_ID_HEADER))):
            if REPLAY_HEADER in delivery.headers and not delivery.redelivered:
                await self._through_outages(lambda: self._inbox.forget_failures(event_id))
            return await self._settle(delivery, event_id)

    async def _settle(self, delivery: Delivery, event_id: UUID) -> Answer:
        attempts = 0
        while True:
            try:
                outcome = await self._through_outages(lambda: self._attempt(delivery))
            except Exception as error:  # Whatever a handler raises is its failure, and is counted.
                attempts = await self._count_failure(event_id, error)
            else:
                if outcome is not Outcome.EXHAUSTED:
                    self._attempts.observe(attempts + 1)
                    return Answer.ACKNOWLEDGE
                attempts = MAX_ATTEMPTS
            if attempts >= MAX_ATTEMPTS:
                self._attempts.observe(attempts)
                self._count("dead_lettered")
                return Answer.REJECT
            await asyncio.sleep(self._backoff[min(attempts, len(self._backoff)) - 1])

    async def _attempt(self, delivery: Delivery) -> Outcome | None:
        """One attempt; None where the queue has no handler for the event."""
        event = self._read(delivery)
        handler = self._consumer.handlers.get(event.name)
        if handler is None:
            self._count("unhandled")
            return None
        outcome = await self._inbox.take(event, handler)
        if outcome is not Outcome.EXHAUSTED:
            self._count(outcome.name.lower())
        if outcome is Outcome.TAKEN and REPLAY_HEADER not in delivery.headers:
            self._lag.observe(max(0.0, (self._clock() - event.occurred_at).total_seconds()))
        return outcome

    def _read(self, delivery: Delivery) -> ReceivedEvent:
        event, body = decode(
            delivery.body,
            message_id=delivery.message_id,
            correlation_id=delivery.correlation_id,
            headers=delivery.headers,
            published_as=delivery.published_as,
        )
        self._schemas.check_read(body)
        return event

    async def _count_failure(self, event_id: UUID, error: Exception) -> int:
        attempts = await self._through_outages(lambda: self._inbox.count_failure(event_id, describe(error)))
        self._count("failed")
        note(names.ATTEMPT_FAILED, {names.ERROR_TYPE: type(error).__qualname__, names.ATTEMPTS: attempts})
        log.warning(
            "attempt failed",
            extra={"consumer": self._consumer.queue, "event_id": str(event_id), "attempts": attempts},
            exc_info=error,
        )
        return attempts

    async def _through_outages(self, work: Callable[[], Awaitable[R]]) -> R:
        waited = 0
        while True:
            try:
                return await work()
            except Exception as error:
                if not is_outage(error):
                    raise
                self._count("deferred")
                log.warning("waiting for Postgres", extra={"consumer": self._consumer.queue, "error": error})
            await asyncio.sleep(_OUTAGE_SECONDS[min(waited, len(_OUTAGE_SECONDS) - 1)])
            waited += 1

    @asynccontextmanager
    async def _turn(self, aggregate_id: str) -> AsyncIterator[None]:
        turn = self._turns.setdefault(aggregate_id, _Turn())
        turn.users += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.users -= 1
            if not turn.users:
                del self._turns[aggregate_id]

    def _count(self, outcome: str) -> None:
        EVENTS_CONSUMED.labels(self._consumer.queue, outcome).inc()


def _event_id(delivery: Delivery) -> UUID | None:
    """The id under which attempts are counted; a message without one cannot be retried sensibly."""
    try:
        return UUID(delivery.message_id) if delivery.message_id else None
    except ValueError:
        return None

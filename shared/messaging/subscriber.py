"""The FastStream side of consuming: one subscriber a queue, nothing declared, every message answered by hand."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import AMQPError
from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitMessage, RabbitQueue
from faststream.rabbit.subscriber.usecase import RabbitSubscriber

from shared.db.database import Database
from shared.messaging.consumer import QueueConsumer
from shared.messaging.contract import PUBLISHED_AS_HEADER
from shared.messaging.event_spans import processed
from shared.messaging.inbox import Inbox
from shared.messaging.intake import Answer, Delivery, Intake
from shared.messaging.schemas import EventSchemas
from shared.telemetry.metrics import EVENTS_CONSUMED
from shared.telemetry.spans import fail

log = logging.getLogger(__name__)

PREFETCH = 10
_RECONNECT_SECONDS = 1.0
_DRAIN_SECONDS = 10.0
_CANCEL_SECONDS = 2.0
_PING_SECONDS = 0.2


_MARKS_OF_OTHERS = frozenset({"x-death", PUBLISHED_AS_HEADER})
"""Headers that the broker sets on a death and an operator on a replay: nothing that comes by the exchange has them."""

Settle = Callable[[Delivery], Awaitable[Answer]]
"""Gives a delivery its final answer; a cancellation leaves it unanswered, to be delivered again."""


class NotConsuming(Exception):
    """The broker is away: queues are not being read."""


class QueueReader:
    """Reads queues of one broker user, whose login is in `broker_url`."""

    def __init__(self, broker_url: str, queues: Mapping[str, Settle], *, prefetch: int = PREFETCH) -> None:
        self._broker = RabbitBroker(
            broker_url,
            ack_policy=AckPolicy.MANUAL,
            decoder=_as_it_came,
            apply_types=False,
            logger=None,
            graceful_timeout=_DRAIN_SECONDS,
            reconnect_interval=_RECONNECT_SECONDS,
        )
        self._subscribers: list[RabbitSubscriber] = []
        for queue, settle in queues.items():
            # A channel each, so that a queue whose consumer is busy does not hold up the others.
            subscriber = self._broker.subscriber(
                RabbitQueue(queue, durable=True, declare=False),
                channel=Channel(prefetch_count=prefetch),
                no_reply=True,
            )
            subscriber(_answering(queue, settle))
            self._subscribers.append(subscriber)
        self._started = asyncio.Event()

    @property
    def ready(self) -> bool:
        """Whether all queues were being consumed at some time."""
        return self._started.is_set()

    async def check(self) -> None:
        """Raises NotConsuming where the broker is away, or was never there."""
        if not (self.ready and await self._broker.ping(_PING_SECONDS)):
            raise NotConsuming

    async def run(self) -> None:
        """Consume until cancelled; then finish what is in hand, up to ten seconds. Waits for a broker that is away."""
        try:
            while not self.ready:
                try:
                    await self._start()
                    self._started.set()
                except (OSError, AMQPError) as error:
                    log.warning("waiting for the broker", extra={"error": error})
                    await self._broker.stop()
                    await asyncio.sleep(_RECONNECT_SECONDS)
            await asyncio.Event().wait()
        finally:
            self._started.clear()
            await self._stop_taking()
            await self._broker.stop()

    async def _stop_taking(self) -> None:
        """Before the library waits for what is in hand: it would go on being handed messages, and drop them unanswered."""
        for subscriber in self._subscribers:
            # The library has no public way to do the one without the other.
            queue, tag = subscriber._queue_obj, subscriber._consumer_tag  # noqa: SLF001
            if queue is not None and tag is not None:
                with suppress(OSError, AMQPError, RuntimeError):
                    await queue.cancel(tag, timeout=_CANCEL_SECONDS)
        # What came before the broker's answer is a task that has not begun yet: let it begin.
        await asyncio.sleep(0)

    async def _start(self) -> None:
        # The library drops, unanswered, what arrives before its start has returned: it is running from now on.
        for subscriber in self._broker.subscribers:
            subscriber.running = True
        starting = asyncio.ensure_future(self._broker.start())
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            # Cancelled half-way, its connection would go on reconnecting for ever: let it come up, to be closed.
            await asyncio.gather(starting, return_exceptions=True)
            raise


class Subscriber(QueueReader):
    """Everything one worker process listens to: what it reads goes through the inbox to its handlers."""

    def __init__(
        self,
        database: Database,
        broker_url: str,
        consumers: Sequence[QueueConsumer],
        schemas: EventSchemas,
        *,
        prefetch: int = PREFETCH,
        backoff: tuple[float, ...] = (0.05, 0.2, 0.5, 1.0),
    ) -> None:
        intakes = (Intake(each, Inbox(database, each.queue), schemas, backoff=backoff) for each in consumers)
        super().__init__(
            broker_url,
            {each.queue: intake.settle for each, intake in zip(consumers, intakes, strict=True)},
            prefetch=prefetch,
        )


def _answering(queue: str, settle: Settle) -> Any:
    async def answer(message: RabbitMessage) -> None:
        raw = message.raw_message
        if raw.exchange and not _MARKS_OF_OTHERS.isdisjoint(raw.headers):
            # Among the dead letters its marks would pass for the broker's and the operator's: it is dropped.
            log.error("forged message dropped", extra={"consumer": queue, "event_id": raw.message_id})
            EVENTS_CONSUMED.labels(queue, "forged").inc()
            await _tell(message, Answer.ACKNOWLEDGE)
            return
        with processed(queue, raw.routing_key, raw.message_id, raw.headers) as span:
            verdict = await settle(
                Delivery(
                    body=raw.body,
                    message_id=raw.message_id,
                    correlation_id=raw.correlation_id,
                    headers=raw.headers,
                    redelivered=bool(raw.redelivered),
                    published_as=_published_as(raw),
                )
            )
            if span is not None and verdict is Answer.REJECT:
                fail(span, "dead_lettered")
            await _tell(message, verdict)

    return answer


def _published_as(message: AbstractIncomingMessage) -> str | None:
    """The key that the broker has let its publisher use. Brokers before 4.0 do not check those of the header CC, by which
    a message may come as well. By the nameless exchange only administrators send, who say so of a dead letter."""
    if message.exchange:
        return message.routing_key
    told = message.headers.get(PUBLISHED_AS_HEADER)
    return told if isinstance(told, str) else None


async def _tell(message: RabbitMessage, verdict: Answer) -> None:
    try:
        if verdict is Answer.ACKNOWLEDGE:
            await message.ack()
        else:
            await message.reject(requeue=False)
    except (OSError, AMQPError, RuntimeError) as error:
        # The channel is gone: the broker delivers again, and the inbox knows that the effect is there.
        log.warning("answer lost", extra={"error": error})


async def _as_it_came(message: RabbitMessage) -> RabbitMessage:
    """No decoding by the library: where it fails there, the message would never be answered."""
    return message

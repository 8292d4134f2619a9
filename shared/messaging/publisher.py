"""Publishes recorded events with pipelined confirms: many are under way at once, each with an answer of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from enum import Enum, auto

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange, DeliveryMode, HeadersType
from aio_pika.exceptions import PublishError

from shared.messaging.contract import CONTENT_TYPE, TRACE_HEADER, RecordedEvent, encode
from shared.messaging.event_spans import published
from shared.register import EXCHANGE

log = logging.getLogger(__name__)

_CONFIRM_SECONDS = 15.0
_CONNECT_SECONDS = 5.0


class Verdict(Enum):
    CONFIRMED = auto()
    """The broker has it on disk in every bound queue, or nobody was to get it."""
    UNROUTABLE = auto()
    """Returned: no queue is bound to its routing key."""
    UNKNOWN = auto()
    """Refused, or the connection broke before an answer: it may have arrived, so it is sent again."""


class Publisher:
    """One connection and channel to the exchange `domain.topic`, opened on demand and again after a failure.

    The connection is a plain one: what was in flight when it broke stays unconfirmed, and the caller sends it again.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._exchange: AbstractExchange | None = None

    async def connect(self) -> AbstractExchange:
        """Raises OSError or aio_pika's AMQPError where the broker is away or refuses the login."""
        if self._exchange is not None and self._channel is not None and not self._channel.is_closed:
            return self._exchange
        await self.close()
        self._connection = await aio_pika.connect(self._url, timeout=_CONNECT_SECONDS)
        self._channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
        # Not declared, not even looked up: the service has no right to, the topology is there before it.
        self._exchange = await self._channel.get_exchange(EXCHANGE, ensure=False)
        return self._exchange

    async def publish(self, events: Sequence[RecordedEvent], *, mandatory: frozenset[str]) -> list[Verdict]:
        """One verdict an event, in order. Events whose name is in `mandatory` must reach a queue.

        The events may overtake one another on their way: hand in one an aggregate at a time.
        """
        exchange = await self.connect()
        results = await asyncio.gather(
            *(self._publish(exchange, event, mandatory=event.name in mandatory) for event in events),
            return_exceptions=True,
        )
        verdicts = [_verdict(result) for result in results]
        if Verdict.UNKNOWN in verdicts:
            failure = next(result for result in results if _verdict(result) is Verdict.UNKNOWN)
            log.warning("the broker did not confirm", extra={"error": failure})
            await self.close()
        return verdicts

    async def close(self) -> None:
        connection, self._connection, self._channel, self._exchange = self._connection, None, None, None
        if connection is not None:
            await connection.close()

    async def _publish(self, exchange: AbstractExchange, event: RecordedEvent, *, mandatory: bool) -> None:
        with published(event) as traceparent:
            message = _message(event, traceparent)
            await exchange.publish(message, event.name, mandatory=mandatory, timeout=_CONFIRM_SECONDS)


def _message(event: RecordedEvent, traceparent: str | None) -> aio_pika.Message:
    wire = encode(event)
    headers: HeadersType = {**wire.headers}
    if traceparent:
        headers[TRACE_HEADER] = traceparent
    return aio_pika.Message(
        wire.body,
        message_id=wire.message_id,
        type=wire.type,
        correlation_id=wire.correlation_id,
        headers=headers,
        timestamp=wire.timestamp,
        content_type=CONTENT_TYPE,
        delivery_mode=DeliveryMode.PERSISTENT,
    )


def _verdict(result: BaseException | None) -> Verdict:
    if result is None:
        return Verdict.CONFIRMED
    if isinstance(result, PublishError):
        return Verdict.UNROUTABLE
    if not isinstance(result, Exception):
        raise result  # A cancellation is not an answer of the broker.
    return Verdict.UNKNOWN

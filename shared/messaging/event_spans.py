"""The spans of an event on its way: created in the outbox, published by the relay, processed by each consumer.

The trace context lies in the outbox row and travels in the message, so that each is below the one before, whatever process and
however much later it is. A relay publishes events of many stories in one round; each event's span belongs to its own.
FastStream's telemetry middleware would make a span for each delivery, recorded or not, and knows nothing of outbox and attempts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry.trace import Span, SpanKind

from shared.messaging.contract import TRACE_HEADER, RecordedEvent, text_of
from shared.register import EXCHANGE
from shared.telemetry import span_names as names
from shared.telemetry.spans import begin_span, current_traceparent, is_recorded, is_sampled, taken_up, traceparent_of

_MOST_TEXT = 128


def created(event_name: str, event_id: str) -> str | None:
    """The trace context for an outbox row: a span of its own below the running one, or what came with the request."""
    if not is_recorded():
        return current_traceparent()
    attributes = _attributes("create", "create", EXCHANGE, event_name) | {names.EVENT_ID: event_id}
    span = begin_span(f"{names.CREATE} {event_name}", SpanKind.PRODUCER, attributes)
    span.end()
    return traceparent_of(span)


@contextmanager
def published(event: RecordedEvent) -> Iterator[str | None]:
    """The span of one event's way to the broker, up to its confirm; gives the trace context that travels in the message."""
    traceparent = event.headers.get(TRACE_HEADER)
    if not is_sampled(traceparent):
        yield traceparent
        return
    attributes = _attributes("publish", "send", EXCHANGE, event.name) | {names.EVENT_ID: str(event.id)}
    with taken_up(f"{names.PUBLISH} {event.name}", SpanKind.PRODUCER, traceparent, attributes) as span:
        yield traceparent if span is None else traceparent_of(span)


@contextmanager
def processed(
    queue: str, routing_key: str | None, message_id: str | None, headers: Mapping[str, Any]
) -> Iterator[Span | None]:
    """The span of one delivery, up to its answer."""
    traceparent = text_of(headers, TRACE_HEADER)
    if not is_sampled(traceparent):
        yield None
        return
    attributes = _attributes("process", "process", f"{EXCHANGE}:{routing_key}:{queue}", routing_key or "")
    attributes |= {names.MESSAGING_CONSUMER: queue, names.EVENT_ID: (message_id or "")[:_MOST_TEXT]}
    with taken_up(f"{names.PROCESS} {queue}", SpanKind.CONSUMER, traceparent, attributes) as span:
        yield span


def _attributes(operation: str, kind: str, destination: str, routing_key: str) -> dict[str, str]:
    return {
        names.MESSAGING_SYSTEM: "rabbitmq",
        names.MESSAGING_OPERATION: operation,
        names.MESSAGING_OPERATION_TYPE: kind,
        names.MESSAGING_DESTINATION: destination,
        names.ROUTING_KEY: routing_key,
    }

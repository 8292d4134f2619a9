"""The event contract: what a domain says, what lies in the outbox, what travels, what a consumer gets. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import orjson

from shared.clock import format_timestamp

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

CONTENT_TYPE = "application/json"
AGGREGATE_ID_HEADER = "x-aggregate-id"
AGGREGATE_VERSION_HEADER = "x-aggregate-version"
CAUSATION_HEADER = "x-causation-id"
TRACE_HEADER = "traceparent"
REPLAY_HEADER = "x-replay-id"
"""Set on a message that an operator sends again from a dead-letter queue: its attempts are counted afresh."""
PUBLISHED_AS_HEADER = "x-published-as"
"""On a dead letter that is sent again: the routing key by which its publisher had sent it."""


class UndecodableMessage(Exception):
    """A message that breaks the contract. `event_id` is the message id, where it has a valid one."""

    def __init__(self, reason: str, event_id: UUID | None) -> None:
        super().__init__(reason)
        self.event_id = event_id


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """A fact in the past tense, as a domain's `events.py` makes it.

    `name` is the routing key (`order.created`); `aggregate_version` grows by one with each change of the aggregate, so
    that a consumer can put events in order. The payload carries ids, no personal values.
    """

    name: str
    aggregate: str
    aggregate_id: UUID
    aggregate_version: int
    payload: Mapping[str, JSON]
    version: str = "1.0"


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event as outbox and event log keep it. `payload` is JSON text, so that the relay need not parse it.

    `headers` holds `correlation_id` and, where known, `causation_id` and `traceparent`.
    """

    id: UUID
    name: str
    version: str
    occurred_at: datetime
    idempotency_key: str
    aggregate_id: UUID
    aggregate_version: int
    payload: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WireMessage:
    """What the AMQP message of an event carries, apart from what is the same for all (persistent, content type)."""

    body: bytes
    message_id: str
    type: str
    correlation_id: str
    headers: Mapping[str, str | int]
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event as a consumer's handler gets it: decoded and valid against its schema."""

    id: UUID
    name: str
    version: str
    occurred_at: datetime
    payload: Mapping[str, Any]
    aggregate_id: UUID
    aggregate_version: int
    correlation_id: str
    causation_id: str | None
    idempotency_key: str
    traceparent: str | None = None


def encode(event: RecordedEvent) -> WireMessage:
    """The body is exactly the contract's five members; all else travels as properties and headers."""
    body = {
        "event_version": event.version,
        "event_name": event.name,
        "occurred_at": format_timestamp(event.occurred_at),
        "payload": orjson.Fragment(event.payload),
        "idempotency_key": event.idempotency_key,
    }
    headers: dict[str, str | int] = {
        AGGREGATE_ID_HEADER: str(event.aggregate_id),
        AGGREGATE_VERSION_HEADER: event.aggregate_version,
    }
    if causation_id := event.headers.get("causation_id"):
        headers[CAUSATION_HEADER] = causation_id
    if traceparent := event.headers.get("traceparent"):
        headers[TRACE_HEADER] = traceparent
    return WireMessage(
        body=orjson.dumps(body),
        message_id=str(event.id),
        type=event.name,
        correlation_id=event.headers["correlation_id"],
        headers=headers,
        timestamp=event.occurred_at,
    )


def decode(
    body: bytes,
    *,
    message_id: str | None,
    correlation_id: str | None,
    headers: Mapping[str, Any],
    published_as: str | None,
) -> tuple[ReceivedEvent, Mapping[str, Any]]:
    """The event and the parsed body, whose shape the caller checks against the schemas.

    The broker lets a service publish routing keys of its own prefixes only, so an event is believed to be what it was
    `published_as`: by another name it would be another domain's to tell. None where an administrator sent it.

    Raises UndecodableMessage where the properties or the body cannot carry an event at all.
    """
    event_id = _uuid(message_id)
    try:
        document = orjson.loads(body)
        event = ReceivedEvent(
            id=_require(event_id, "message_id"),
            name=document["event_name"],
            version=document["event_version"],
            occurred_at=datetime.fromisoformat(document["occurred_at"]),
            payload=document["payload"],
            aggregate_id=_require(_uuid(headers.get(AGGREGATE_ID_HEADER)), AGGREGATE_ID_HEADER),
            aggregate_version=int(headers[AGGREGATE_VERSION_HEADER]),
            correlation_id=correlation_id or str(event_id),
            causation_id=text_of(headers, CAUSATION_HEADER),
            idempotency_key=document["idempotency_key"],
            traceparent=text_of(headers, TRACE_HEADER),
        )
    except (ValueError, KeyError, TypeError) as error:
        # What is missing is ours to name. All else that these say repeats the message, and this text is kept in a table.
        reason = f"no usable {error.args[0]}" if isinstance(error, KeyError) else type(error).__name__
        raise UndecodableMessage(f"not an event: {reason}", event_id) from error
    if not str(event.idempotency_key).endswith(f":{event.id}"):
        raise UndecodableMessage("idempotency_key and message_id name different events", event_id)
    if published_as is not None and event.name != published_as:
        raise UndecodableMessage("the event's name is not the routing key that it was published by", event_id)
    return event, document


def text_of(headers: Mapping[str, Any], name: str) -> str | None:
    """A header's text; None where it is absent or something else."""
    value = headers.get(name)
    return value if isinstance(value, str) else None


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _require(value: UUID | None, name: str) -> UUID:
    if value is None:
        raise KeyError(name)
    return value

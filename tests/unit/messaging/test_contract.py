"""The body is the contract's to the letter; all else travels beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest

from shared.messaging.contract import RecordedEvent, UndecodableMessage, decode, encode

EVENT_ID = UUID("11111111-1111-4111-8111-111111111111")
ORDER_ID = UUID("22222222-2222-4222-8222-222222222222")
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
RECORDED = RecordedEvent(
    id=EVENT_ID,
    name="order.created",
    version="1.0",
    occurred_at=datetime(2025, 8, 26, 12, 0, tzinfo=UTC),
    idempotency_key=f"order:{EVENT_ID}",
    aggregate_id=ORDER_ID,
    aggregate_version=3,
    payload='{"total": 1200}',
    headers={"correlation_id": "story", "causation_id": "request", "traceparent": TRACE},
)


def test_the_body_has_exactly_the_five_members_of_the_contract() -> None:
    wire = encode(RECORDED)

    assert orjson.loads(wire.body) == {
        "event_version": "1.0",
        "event_name": "order.created",
        "occurred_at": "2025-08-26T12:00:00.000Z",
        "payload": {"total": 1200},
        "idempotency_key": "order:11111111-1111-4111-8111-111111111111",
    }
    assert (wire.message_id, wire.type, wire.correlation_id) == (str(EVENT_ID), "order.created", "story")
    assert wire.headers == {
        "x-aggregate-id": str(ORDER_ID),
        "x-aggregate-version": 3,
        "x-causation-id": "request",
        "traceparent": TRACE,
    }


def test_headers_that_nobody_set_are_left_out() -> None:
    wire = encode(replace(RECORDED, headers={"correlation_id": "story"}))

    assert wire.headers == {"x-aggregate-id": str(ORDER_ID), "x-aggregate-version": 3}


def test_what_is_encoded_is_decoded_to_the_same_event() -> None:
    wire = encode(RECORDED)

    event, body = decode(
        wire.body,
        message_id=wire.message_id,
        correlation_id=wire.correlation_id,
        headers=wire.headers,
        published_as="order.created",
    )

    assert body == orjson.loads(wire.body)
    assert (event.id, event.name, event.version) == (EVENT_ID, "order.created", "1.0")
    assert (event.aggregate_id, event.aggregate_version) == (ORDER_ID, 3)
    assert event.payload == {"total": 1200}
    assert event.occurred_at == RECORDED.occurred_at
    assert (event.correlation_id, event.causation_id, event.traceparent) == ("story", "request", TRACE)
    assert event.idempotency_key == RECORDED.idempotency_key


@pytest.mark.parametrize(
    ("message_id", "expected"),
    [(str(EVENT_ID), EVENT_ID), ("no-uuid", None), (None, None)],
)
def test_an_undecodable_message_says_under_which_id_its_attempts_count(
    message_id: str | None, expected: UUID | None
) -> None:
    with pytest.raises(UndecodableMessage) as caught:
        decode(b"[]", message_id=message_id, correlation_id=None, headers={}, published_as=None)

    assert caught.value.event_id == expected


@pytest.mark.parametrize("missing", ["x-aggregate-id", "x-aggregate-version"])
def test_an_event_without_its_aggregate_is_undecodable(missing: str) -> None:
    wire = encode(RECORDED)
    headers = {name: value for name, value in wire.headers.items() if name != missing}

    with pytest.raises(UndecodableMessage, match=missing):
        decode(wire.body, message_id=wire.message_id, correlation_id="story", headers=headers, published_as=None)


def test_why_a_message_is_undecodable_repeats_nothing_of_it() -> None:
    wire = encode(RECORDED)
    body = orjson.loads(wire.body) | {"occurred_at": "jane@example.com"}

    with pytest.raises(UndecodableMessage) as caught:
        decode(
            orjson.dumps(body),
            message_id=wire.message_id,
            correlation_id="story",
            headers=wire.headers,
            published_as=None,
        )

    assert str(caught.value) == "not an event: ValueError"


def test_a_body_under_the_id_of_another_event_is_undecodable() -> None:
    wire = encode(RECORDED)

    with pytest.raises(UndecodableMessage, match="different events"):
        decode(wire.body, message_id=str(ORDER_ID), correlation_id="story", headers=wire.headers, published_as=None)


def test_an_event_by_another_name_than_it_was_published_by_is_undecodable() -> None:
    wire = encode(RECORDED)

    with pytest.raises(UndecodableMessage, match="routing key"):
        decode(
            wire.body,
            message_id=wire.message_id,
            correlation_id="story",
            headers=wire.headers,
            published_as="payment.captured",
        )

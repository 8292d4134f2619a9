from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import SpanKind

from shared.db.statement_spans import what_is_done
from shared.messaging.contract import RecordedEvent
from shared.messaging.event_spans import created, processed, published
from shared.telemetry.context import Correlation, bind
from shared.telemetry.spans import below, continued, current_traceparent, sampled_traceparent, taken_up, traceparent_of
from tests.fixtures.recorded import a_root, place_of, recorded

UNSAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_an_event_is_created_published_and_processed_in_one_trace_each_below_the_one_before() -> None:
    # given an event that is created within a recorded request
    with a_root() as root:
        told = created("order.created", "an id")
    event = RecordedEvent(
        id=uuid4(),
        name="order.created",
        version="1.0",
        occurred_at=datetime.now(UTC),
        idempotency_key="order:x",
        aggregate_id=uuid4(),
        aggregate_version=1,
        payload="{}",
        headers={"correlation_id": "story", "traceparent": told or ""},
    )
    # when a relay and then a consumer take it up, with nothing but what travels
    with published(event) as sent:
        pass
    with processed("inventory.reserver", "order.created", str(event.id), {"traceparent": sent}):
        pass
    # then they stand in one line below the request
    spans = recorded()
    assert [(span.name, span.kind) for span in spans] == [
        ("create order.created", SpanKind.PRODUCER),
        ("publish order.created", SpanKind.PRODUCER),
        ("process inventory.reserver", SpanKind.CONSUMER),
    ]
    line = [place_of(root).span_id, *[place_of(span).span_id for span in spans]]
    assert [span.parent.span_id for span in spans if span.parent] == line[:3]
    assert {place_of(span).trace_id for span in spans} == {place_of(root).trace_id}


def test_what_is_not_recorded_makes_no_span_and_its_context_travels_as_it_came() -> None:
    with a_root():
        pass
    with bind(Correlation("story", None, UNSAMPLED)):
        assert created("order.created", "an id") == UNSAMPLED
        assert sampled_traceparent() is None
        with (
            below("anything", SpanKind.INTERNAL) as none,
            processed("q", "k", "m", {"traceparent": UNSAMPLED}) as either,
        ):
            assert (none, either) == (None, None)
            assert current_traceparent() == UNSAMPLED
    assert recorded() == []


def test_an_exception_leaves_its_type_on_a_span_and_not_its_text() -> None:
    with a_root(), pytest.raises(KeyError), below("step", SpanKind.INTERNAL):
        raise KeyError("jane@example.com")
    (span,) = recorded()
    assert (span.status.is_ok, span.status.description, span.attributes) == (False, None, {"error.type": "KeyError"})
    assert span.events == ()


def test_a_story_that_waited_goes_on_in_its_own_trace_and_knows_what_made_it_go_on() -> None:
    # given a webhook with a trace of its own
    # when it moves what began in another trace
    with a_root("webhook") as webhook, continued("payments.settle", SAMPLED):
        told = created("payment.captured", "an id")
    # then what follows belongs to that one, and each trace links to the other
    event, step = recorded()
    assert told is not None
    assert told[3:35] == SAMPLED[3:35]
    assert event.parent is not None
    assert (event.parent.span_id, step.name) == (place_of(step).span_id, "payments.settle")
    assert [link.context for link in step.links] == [place_of(webhook)]
    assert isinstance(webhook, ReadableSpan)
    assert [link.context for link in webhook.links] == [place_of(step)]


def test_a_story_that_waited_and_is_not_recorded_leaves_the_running_trace_as_it_is() -> None:
    with a_root() as root:
        for unrecorded in (None, UNSAMPLED, traceparent_of(root)):
            with continued("payments.settle", unrecorded):
                assert trace.get_current_span() is root
    assert recorded() == []


def test_a_malformed_context_is_nobodys_parent() -> None:
    with a_root():
        pass
    with (
        TracerProvider().get_tracer("test").start_as_current_span("other"),
        taken_up("x", SpanKind.SERVER, "odd-1") as x,
    ):
        assert x is None


@pytest.mark.parametrize(
    ("statement", "done"),
    [
        ("SELECT a, b\nFROM product WHERE id = $1 FOR UPDATE SKIP LOCKED", ("SELECT", "product")),
        (
            "\n WITH earlier AS (SELECT 1 FROM attempt), t AS (INSERT INTO inbox (x) VALUES ($1)) SELECT 1",
            ("INSERT", "inbox"),
        ),
        ("UPDATE cart SET a = $1", ("UPDATE", "cart")),
        ("WITH sent AS (DELETE FROM outbox WHERE id = $1) SELECT 1 FROM sent", ("DELETE", "outbox")),
        ("SELECT set_config($1, $2, true)", ("SELECT", "")),
        ("SAVEPOINT sa_savepoint_1", ("SAVEPOINT", "")),
        ("", ("", "")),
    ],
)
def test_a_statements_span_tells_the_operation_and_the_table(statement: str, done: tuple[str, str]) -> None:
    assert what_is_done(statement) == done

from __future__ import annotations

import re
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from pydantic import ValidationError

from gateway.http.correlation import is_correlated
from gateway.telemetry.spans import Spans, TracingConfig, mark
from shared.telemetry.tracing import DecidedSampler

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def test_a_subgraph_request_carries_on_the_clients_trace_under_a_span_of_its_own() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    spans = Spans(provider.get_tracer("test"))
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "x-a": "1"}

    with spans.request(headers), spans.subgraph_request("orders") as (span, lines):
        mark(span, "failed")

    inner, outer = exporter.get_finished_spans()
    assert [inner.name, outer.name] == ["gateway.fetch", "GraphQL Operation"]
    assert inner.context is not None
    assert outer.context is not None
    assert outer.parent is not None
    assert inner.parent is not None
    assert f"{outer.context.trace_id:032x}" == TRACE
    assert f"{outer.parent.span_id:016x}" == PARENT
    assert inner.parent.span_id == outer.context.span_id
    assert lines == f"traceparent: 00-{TRACE}-{inner.context.span_id:016x}-01\r\n".encode()
    assert not inner.status.is_ok
    # Otherwise a subgraph would get two of them.
    assert headers == {"x-a": "1"}


def test_without_a_tracer_the_clients_context_travels_as_it_came() -> None:
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    with Spans().request(headers), Spans().subgraph_request("orders") as (span, lines):
        mark(span, "failed")
    assert (span, lines, headers) == (None, b"", {"traceparent": f"00-{TRACE}-{PARENT}-01"})


class Counting(Sampler):
    """Records every second root span, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def should_sample(self, *_arguments: Any, **_more: Any) -> SamplingResult:
        self.asked += 1
        return SamplingResult(Decision.DROP if self.asked % 2 else Decision.RECORD_AND_SAMPLE)

    def get_description(self) -> str:
        return "counting"


def test_whether_a_request_is_recorded_is_decided_once_and_told_to_subgraphs() -> None:
    # Given a sampler that drops the first request and records the second
    exporter, sampler = InMemorySpanExporter(), Counting()
    provider = TracerProvider()
    provider.sampler = DecidedSampler(sampler)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    spans = Spans(provider.get_tracer("test"))
    dropped: dict[str, str] = {}
    recorded: dict[str, str] = {}

    with spans.request(dropped), spans.subgraph_request("orders") as nothing:
        pass
    with spans.request(recorded):
        pass

    # Then each was decided once; the dropped one tells so, and makes no span of its own for a subgraph
    assert sampler.asked == 2
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", dropped["traceparent"])
    assert nothing == (None, b"")
    assert [span.name for span in exporter.get_finished_spans()] == ["GraphQL Operation"]
    assert recorded == {}


def test_a_request_is_named_by_its_type_and_a_refusal_by_its_code() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    spans = Spans(provider.get_tracer("test"))

    with spans.request({"x-correlation-id": "story"}):
        spans.describe("mutation", "N" * 100)
        spans.refuse("FORBIDDEN", 403)
    spans.describe("query", "ThatNobodyRecords")

    (span,) = exporter.get_finished_spans()
    assert span.name == "mutation"
    assert span.attributes == {
        "marketplace.correlation_id": "story",
        "graphql.operation.type": "mutation",
        "graphql.operation.name": "N" * 64,
        "marketplace.outcome": "FORBIDDEN",
    }


@pytest.mark.parametrize(("trusts", "left"), [(True, "traceparent"), (False, None)])
def test_a_clients_trace_context_is_gone_on_with_only_where_clients_are_trusted(trusts: bool, left: str | None) -> None:
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "a=1", "x-correlation-id": "story"}
    assert is_correlated(headers, trusts_trace=trusts)
    assert ("traceparent" in headers, "tracestate" in headers) == (left is not None, left is not None)


def test_the_collector_and_the_share_come_from_the_environment_where_the_file_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.25")
    assert TracingConfig() == TracingConfig(otlp_endpoint="http://collector:4318", sample_ratio=0.25)
    assert TracingConfig(sample_ratio=0.5).sample_ratio == 0.5
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "2")
    with pytest.raises(ValidationError):
        TracingConfig()

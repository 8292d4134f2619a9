from __future__ import annotations

from random import Random

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased
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


def test_whether_a_request_is_recorded_is_decided_once_and_told_to_subgraphs(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a share of one half, and a request that is not in it before twenty that are
    numbers = iter([2**64 - 1, 1, *range(20)])
    monkeypatch.setattr("gateway.telemetry.spans.getrandbits", lambda _bits: next(numbers))
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=DecidedSampler(0.5))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    spans = Spans(provider.get_tracer("test"))
    dropped: dict[str, str] = {}
    recorded: dict[str, str] = {}

    with spans.request(dropped), spans.subgraph_request("orders") as nothing:
        pass
    for _ in range(20):
        with spans.request(recorded):
            pass

    # Then the dropped one tells so, and makes no span for a subgraph; the others are recorded whatever their spans are called
    assert dropped["traceparent"] == f"00-{2**64 - 1:032x}-{1:016x}-00"
    assert nothing == (None, b"")
    assert [span.name for span in exporter.get_finished_spans()] == ["GraphQL Operation"] * 20
    assert recorded == {}


@pytest.mark.parametrize("ratio", [0, 0.25, 1])
def test_the_decision_is_the_librarys_own(ratio: float) -> None:
    sampler, library = DecidedSampler(ratio), TraceIdRatioBased(ratio)
    rnd = Random(7)
    for trace_id in [0, 2**64 - 1, 2**128 - 1, *(rnd.getrandbits(128) for _ in range(200))]:
        decision = library.should_sample(None, trace_id, "any").decision
        assert sampler.decides_to_record(trace_id) == (decision is not Decision.DROP)


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

from __future__ import annotations

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from gateway.telemetry.spans import Spans, mark

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
    assert [inner.name, outer.name] == ["gateway.subgraph_request", "gateway.request"]
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

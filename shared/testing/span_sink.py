"""A collector for tests: takes spans as any collector does (OTLP over HTTP) and keeps them, decoded and as they came."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue


@dataclass(frozen=True, slots=True)
class ExportedSpan:
    """Ids are lower-case hexadecimal; `parent_id` is empty for a root. Values of attributes are texts."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: Mapping[str, str]
    failed: bool


@dataclass
class SpanSink:
    """`url` is what OTEL_EXPORTER_OTLP_ENDPOINT is set to; `bodies` are all exports, byte for byte."""

    url: str
    bodies: list[bytes] = field(default_factory=list)
    spans: list[ExportedSpan] = field(default_factory=list)

    def trace(self, trace_id: str) -> list[ExportedSpan]:
        """What has come of a trace so far."""
        return [span for span in list(self.spans) if span.trace_id == trace_id]

    def take(self, body: bytes) -> None:
        self.bodies.append(body)
        self.spans.extend(_decoded(body))


@contextmanager
def span_sink() -> Iterator[SpanSink]:
    """Listens on a free port of the loopback interface until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            sink.take(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sink = SpanSink(f"http://127.0.0.1:{server.server_port}")
    serving = Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


def _decoded(body: bytes) -> Iterator[ExportedSpan]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = _texts(resource.resource.attributes)["service.name"]
        for span in (span for scope in resource.scope_spans for span in scope.spans):
            yield ExportedSpan(
                service=service,
                name=span.name,
                trace_id=span.trace_id.hex(),
                span_id=span.span_id.hex(),
                parent_id=span.parent_span_id.hex(),
                attributes=_texts(span.attributes),
                failed=span.status.code == span.status.STATUS_CODE_ERROR,
            )


def _texts(attributes: Iterator[KeyValue] | list[KeyValue]) -> dict[str, str]:
    return {each.key: str(getattr(each.value, each.value.WhichOneof("value") or "string_value")) for each in attributes}

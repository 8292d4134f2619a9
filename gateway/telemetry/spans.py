"""OpenTelemetry spans: one a request, one a subgraph request. Where nothing is recorded, none are made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.propagators.textmap import DefaultGetter
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pydantic import BaseModel, ConfigDict

REQUEST = "gateway.request"
SUBGRAPH_REQUEST = "gateway.subgraph_request"

_PROPAGATOR = TraceContextTextMapPropagator()
_GETTER: DefaultGetter = DefaultGetter()


class TracingConfig(BaseModel):
    """`otlp_endpoint` is the base URL of a collector (OTLP over HTTP); without it nothing is recorded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    otlp_endpoint: str | None = None


class Spans:
    """Without a tracer every span is nothing and the client's trace context is left as it came."""

    def __init__(self, tracer: Tracer | None = None) -> None:
        self._tracer = tracer
        self.recording = tracer is not None

    @contextmanager
    def request(self, headers: MutableMapping[str, str]) -> Iterator[None]:
        """The span of a request, below the one named in `headers`; from there on each subgraph request names its own."""
        if self._tracer is None:
            yield
            return
        context = _PROPAGATOR.extract(headers, getter=_GETTER)
        with self._tracer.start_as_current_span(REQUEST, context=context, kind=SpanKind.SERVER):
            headers.pop("traceparent", None)
            headers.pop("tracestate", None)
            yield

    @contextmanager
    def subgraph_request(self, subgraph: str) -> Iterator[tuple[Span | None, bytes]]:
        """The span of a subgraph request, and the header lines that carry it on."""
        if self._tracer is None:
            yield None, b""
            return
        attributes = {"subgraph": subgraph}
        with self._tracer.start_as_current_span(SUBGRAPH_REQUEST, kind=SpanKind.CLIENT, attributes=attributes) as span:
            carrier: dict[str, str] = {}
            _PROPAGATOR.inject(carrier)
            yield span, _lines(carrier)


def mark(span: Span | None, outcome: str) -> None:
    """Record how a subgraph request went."""
    if span is not None and outcome != "ok":
        span.set_status(StatusCode.ERROR, outcome)


def recording_tracer() -> Tracer:
    """The tracer of the provider that this process has configured."""
    return trace.get_tracer("gateway")


def _lines(carrier: Mapping[str, str]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in carrier.items()).encode("ascii")

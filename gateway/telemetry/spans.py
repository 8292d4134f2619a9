"""OpenTelemetry spans: one a request, one a subgraph request. Where nothing is recorded, none are made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from random import getrandbits

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import DefaultGetter
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pydantic import BaseModel, ConfigDict

from shared.telemetry.tracing import DecidedSampler

REQUEST = "gateway.request"
SUBGRAPH_REQUEST = "gateway.subgraph_request"

_PROPAGATOR = TraceContextTextMapPropagator()
_GETTER: DefaultGetter = DefaultGetter()
_TRACEPARENT, _TRACESTATE = "traceparent", "tracestate"
_RECORDED: ContextVar[bool] = ContextVar("recorded", default=False)


class TracingConfig(BaseModel):
    """`otlp_endpoint` is the base URL of a collector (OTLP over HTTP); without it nothing is recorded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    otlp_endpoint: str | None = None


class Spans:
    """Without a tracer every span is nothing and the client's trace context is left as it came.

    Whether a request is recorded is decided once, where it begins. One that is not costs one decision, and what it asks of
    subgraphs carries that decision on.
    """

    def __init__(self, tracer: Tracer | None = None) -> None:
        self._tracer = tracer
        self.is_on = tracer is not None
        sampler = getattr(tracer, "sampler", None)
        self._sampler = sampler if isinstance(sampler, DecidedSampler) else None

    @property
    def recording(self) -> bool:
        """Whether the running request is recorded."""
        return _RECORDED.get()

    @contextmanager
    def request(self, headers: MutableMapping[str, str]) -> Iterator[None]:
        """The span of a request, below the one named in `headers`; from there on each subgraph request names its own."""
        span = self.start(headers)
        if span is None:
            yield
            return
        with self.within(span):
            yield

    def start(self, headers: MutableMapping[str, str]) -> Span | None:
        """Begin the span of a request; None where it is not recorded. `headers` are left with what travels on as it is."""
        if self._tracer is None:
            return None
        if _TRACEPARENT in headers:
            context = _PROPAGATOR.extract(headers, getter=_GETTER)
        else:
            context = Context()
            if self._sampler is not None:
                trace_id = getrandbits(128)
                if not self._sampler.decides_to_record(trace_id, REQUEST):
                    headers[_TRACEPARENT] = f"00-{trace_id:032x}-{getrandbits(64):016x}-00"
                    return None
        span = self._tracer.start_span(REQUEST, context=context, kind=SpanKind.SERVER)
        headers.pop(_TRACESTATE, None)
        if span.is_recording():
            headers.pop(_TRACEPARENT, None)
            return span
        told = span.get_span_context()
        headers[_TRACEPARENT] = f"00-{told.trace_id:032x}-{told.span_id:016x}-{told.trace_flags:02x}"
        return None

    @contextmanager
    def within(self, span: Span) -> Iterator[None]:
        """Have a request's span be the running one, and end it."""
        token = _RECORDED.set(True)
        try:
            with trace.use_span(span, end_on_exit=True):
                yield
        finally:
            _RECORDED.reset(token)

    @contextmanager
    def subgraph_request(self, subgraph: str) -> Iterator[tuple[Span | None, bytes]]:
        """The span of a subgraph request, and the header lines that carry it on."""
        if self._tracer is None or not self.recording:
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

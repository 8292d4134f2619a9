"""OpenTelemetry spans: one a request, one a subgraph request. Where nothing is recorded, none are made."""

from __future__ import annotations

import os
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from random import getrandbits

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import DefaultGetter
from opentelemetry.trace import Span, SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pydantic import BaseModel, ConfigDict, Field

from shared.telemetry import span_names as names
from shared.telemetry.spans import below, fail, running, traceparent_of
from shared.telemetry.tracing import DecidedSampler

_PROPAGATOR = TraceContextTextMapPropagator()
_GETTER: DefaultGetter = DefaultGetter()
_TRACEPARENT, _TRACESTATE, _CORRELATION = "traceparent", "tracestate", "x-correlation-id"
_MOST_NAME = 64
_RECORDED: ContextVar[bool] = ContextVar("recorded", default=False)


class TracingConfig(BaseModel):
    """`otlp_endpoint` is the base URL of a collector (OTLP over HTTP); without it nothing is recorded.

    `sample_ratio` is the share of requests whose traces are recorded, by all who take part. With `trust_clients` a client's
    `traceparent` is gone on with, and so decides; otherwise it is dropped, and each request begins a trace. Both OpenTelemetry
    variables, OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_TRACES_SAMPLER_ARG, count where the file says nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    otlp_endpoint: str | None = Field(default_factory=lambda: os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
    sample_ratio: float = Field(
        default_factory=lambda: float(os.environ.get("OTEL_TRACES_SAMPLER_ARG", "1")), ge=0, le=1
    )
    trust_clients: bool = False


class Spans:
    """Without a tracer every span is nothing and the client's trace context is left as it came.

    Whether a request is recorded is decided once, where it begins. One that is not costs one decision, and what it asks of
    subgraphs carries that decision on.
    """

    def __init__(self, tracer: Tracer | None = None, *, trusts_clients: bool = False) -> None:
        self.trusts_clients = trusts_clients
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
                if not self._sampler.decides_to_record(trace_id):
                    headers[_TRACEPARENT] = f"00-{trace_id:032x}-{getrandbits(64):016x}-00"
                    return None
        attributes = {names.CORRELATION: headers.get(_CORRELATION, "")}
        span = self._tracer.start_span(names.OPERATION, context, SpanKind.SERVER, attributes)
        headers.pop(_TRACESTATE, None)
        if span.is_recording():
            headers.pop(_TRACEPARENT, None)
            return span
        headers[_TRACEPARENT] = traceparent_of(span)
        return None

    @contextmanager
    def within(self, span: Span) -> Iterator[None]:
        """Have a request's span be the running one, and end it."""
        token = _RECORDED.set(True)
        try:
            with running(span):
                yield
        finally:
            _RECORDED.reset(token)

    @contextmanager
    def subgraph_request(self, subgraph: str) -> Iterator[tuple[Span | None, bytes]]:
        """The span of a subgraph request, and the header lines that carry it on."""
        if self._tracer is None or not self.recording:
            yield None, b""
            return
        attributes = {names.SUBGRAPH: subgraph, names.HTTP_METHOD: "POST"}
        with running(self._tracer.start_span(names.FETCH, kind=SpanKind.CLIENT, attributes=attributes)) as span:
            yield span, f"traceparent: {traceparent_of(span)}\r\n".encode("ascii")

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """The span of an operation's preparation, for a request that has to wait for it."""
        if not self.recording:
            yield
            return
        with below(names.PREPARE, SpanKind.INTERNAL):
            yield

    def describe(self, kind: str, name: str | None) -> None:
        """Say what the running request turned out to ask for."""
        if not self.recording:
            return
        span = trace.get_current_span()
        span.update_name(kind)
        span.set_attribute(names.GRAPHQL_TYPE, kind)
        if name:
            span.set_attribute(names.GRAPHQL_NAME, name[:_MOST_NAME])

    def refuse(self, code: str, status: int) -> None:
        """Say that the running request was refused; from 500 on it is the gateway that failed."""
        if not self.recording:
            return
        span = trace.get_current_span()
        span.set_attribute(names.OUTCOME, code)
        if status >= 500:
            fail(span, code)


def mark(span: Span | None, outcome: str) -> None:
    """Record how a subgraph request went."""
    if span is not None:
        span.set_attribute(names.OUTCOME, outcome)
        if outcome != "ok":
            fail(span, outcome)


def recording_tracer() -> Tracer:
    """The tracer of the provider that this process has configured."""
    return trace.get_tracer("gateway")

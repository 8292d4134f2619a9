"""OpenTelemetry traces: exported over OTLP where an endpoint is set, otherwise not recorded at all."""

from __future__ import annotations

import atexit
from collections.abc import Sequence
from contextvars import ContextVar
from functools import partial
from threading import Thread

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

_EXPORT_SECONDS = 5.0
"""How long one export may take, and how long a process that stops waits for its last spans to leave."""

_LIMITS = SpanLimits(max_span_attributes=32, max_events=16, max_links=16, max_attribute_length=256)

_DECIDED: ContextVar[bool] = ContextVar("decided", default=False)


class DecidedSampler(Sampler):
    """Records a share of the traces that begin here, and goes on with the others as it was decided where they began.

    A root span for which `decides_to_record` said yes is not asked for again: making a span that is not recorded takes many
    times as long as deciding against it.
    """

    def __init__(self, ratio: float) -> None:
        root = TraceIdRatioBased(ratio)
        self._sampler: Sampler = ParentBased(root)
        self._bound = root.bound

    def decides_to_record(self, trace_id: int) -> bool:
        """The decision for a root span, as `TraceIdRatioBased` makes it; a yes holds for the next one that this task begins."""
        recorded = trace_id & TraceIdRatioBased.TRACE_ID_LIMIT < self._bound
        if recorded:
            _DECIDED.set(True)
        return recorded

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        if _DECIDED.get():
            _DECIDED.set(False)
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)
        return self._sampler.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        return self._sampler.get_description()


def configure_tracing(service: str, endpoint: str | None, *, ratio: float = 1.0) -> None:
    """Record `ratio` of the traces that begin here, and of those that come from elsewhere what was decided there.

    `endpoint` is the base URL of a collector. A full queue drops spans; a stop waits for the last ones a few seconds.
    """
    if endpoint is None:
        return
    provider = TracerProvider(
        sampler=DecidedSampler(ratio),
        resource=Resource.create({"service.name": service, "service.namespace": "marketplace"}),
        span_limits=_LIMITS,
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=_EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    atexit.register(partial(_flush, provider))


def is_tracing() -> bool:
    """Whether this process records anything at all."""
    return isinstance(trace.get_tracer_provider(), TracerProvider)


def _flush(provider: TracerProvider) -> None:
    # The library's own bound is 30 seconds, longer than whoever stops a process waits.
    leaving = Thread(target=provider.shutdown, daemon=True)
    leaving.start()
    leaving.join(_EXPORT_SECONDS)

"""OpenTelemetry traces: exported over OTLP where an endpoint is set, otherwise not recorded at all."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

_DECIDED: ContextVar[bool] = ContextVar("decided", default=False)


class DecidedSampler(Sampler):
    """Decides as `sampler` does, but that a root span for which `decides_to_record` said yes is not asked for again.

    Making a span that is not recorded takes several times as long as deciding against it.
    """

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def decides_to_record(self, trace_id: int, name: str) -> bool:
        """The decision for a root span, which holds for the next one that this task begins."""
        recorded = self._sampler.should_sample(None, trace_id, name).decision is not Decision.DROP
        _DECIDED.set(recorded)
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


def configure_tracing(service: str, endpoint: str | None) -> None:
    if endpoint is None:
        return
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.sampler = DecidedSampler(provider.sampler)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")))
    trace.set_tracer_provider(provider)

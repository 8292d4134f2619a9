"""Spans below the running one. Where that is not recorded, none are made, and finding that out is all it costs.

An exception leaves its type on a span, never its text: texts hold what people have typed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from shared.telemetry.context import current_correlation
from shared.telemetry.span_names import ERROR_TYPE

Attributes = Mapping[str, AttributeValue]

# Asked at its first span for the provider that the process has configured by then.
_TRACER = trace.get_tracer("marketplace")
_PROPAGATOR = TraceContextTextMapPropagator()
_SAMPLED = frozenset("13579bdf")


def is_recorded() -> bool:
    """Whether the running span is recorded, and so may have others below it."""
    return trace.get_current_span().is_recording()


def is_sampled(traceparent: str | None) -> bool:
    """Whether a W3C trace context asks for its trace to be recorded."""
    return traceparent is not None and traceparent[-1:] in _SAMPLED


def context_of(traceparent: str | None) -> Context:
    """The context that is named by a `traceparent`; an empty one, in which a trace begins, for none or a malformed one."""
    return _PROPAGATOR.extract({"traceparent": traceparent or ""}, context=Context())


def traceparent_of(span: Span) -> str:
    told = span.get_span_context()
    return f"00-{told.trace_id:032x}-{told.span_id:016x}-{told.trace_flags:02x}"


def current_traceparent() -> str | None:
    """What travels on: the running span, or what came with the request or message."""
    span = trace.get_current_span()
    return traceparent_of(span) if span.is_recording() else current_correlation().traceparent


def sampled_traceparent() -> str | None:
    """As above, for a story that waits in a table; None where there is nothing to be gone on with."""
    traceparent = current_traceparent()
    return traceparent if is_sampled(traceparent) else None


def begin_span(name: str, kind: SpanKind, attributes: Attributes) -> Span:
    """A span below the running one, for the caller to end."""
    return _TRACER.start_span(name, kind=kind, attributes=attributes)


@contextmanager
def below(name: str, kind: SpanKind, attributes: Attributes | None = None) -> Iterator[Span | None]:
    """A span below the running one, if that is recorded; it runs, and ends with the block."""
    if not is_recorded():
        yield None
        return
    with running(_TRACER.start_span(name, kind=kind, attributes=attributes)) as span:
        yield span


@contextmanager
def taken_up(
    name: str, kind: SpanKind, traceparent: str | None, attributes: Attributes | None = None
) -> Iterator[Span | None]:
    """A span below the one that `traceparent` names, in another process or at another time, if its trace is recorded."""
    if not is_sampled(traceparent):
        yield None
        return
    span = _TRACER.start_span(name, context_of(traceparent), kind, attributes)
    if not span.is_recording():
        yield None
        return
    with running(span):
        yield span


@contextmanager
def continued(name: str, traceparent: str | None) -> Iterator[None]:
    """Go on in the trace of a story that has waited in a table, if that one is recorded; otherwise stay in the running one.

    What makes it go on (a request, a webhook, a timer) may be recorded in a trace of its own: then each links to the other.
    """
    running_span = trace.get_current_span()
    if not is_sampled(traceparent) or _is_part_of(running_span, traceparent):
        yield
        return
    cause = running_span.get_span_context()
    links = [Link(cause)] if running_span.is_recording() else []
    span = _TRACER.start_span(name, context_of(traceparent), SpanKind.INTERNAL, links=links)
    running_span.add_link(span.get_span_context())
    with running(span):
        yield


@contextmanager
def running(span: Span) -> Iterator[Span]:
    """Have a span be the running one, and end it with the block. What the block raises is told by its type alone."""
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield span
        except Exception as error:
            fail(span, type(error).__qualname__)
            raise


def tell(attributes: Attributes) -> None:
    """More of the running span, if it is recorded."""
    trace.get_current_span().set_attributes(attributes)


def note(name: str, attributes: Attributes) -> None:
    """Say on the running span, if it is recorded, that something has happened."""
    trace.get_current_span().add_event(name, attributes)


def fail(span: Span, error_type: str) -> None:
    span.set_attribute(ERROR_TYPE, error_type)
    span.set_status(StatusCode.ERROR)


def _is_part_of(span: Span, traceparent: str | None) -> bool:
    told = span.get_span_context()
    return told.is_valid and traceparent is not None and f"{told.trace_id:032x}" == traceparent[3:35]

"""A span for each SQL statement of a recorded request or message: what is done to which table, never a value.

Own listeners and not the instrumentor of OpenTelemetry's contrib packages: that one makes a span, of which nothing becomes, for
every statement of an unrecorded request too, and does not know this SQLAlchemy.
"""

from __future__ import annotations

import re
from typing import Any

from opentelemetry.trace import Span, SpanKind
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext

from shared.telemetry import span_names as names
from shared.telemetry.spans import begin_span, fail, is_recorded

_RUNNING = "running_span"
_WRITTEN = re.compile(r"\b(INSERT) INTO (\w+)|^\s*(UPDATE) (\w+)|\b(DELETE) FROM (\w+)", re.IGNORECASE)
_READ = re.compile(r"\bFROM (\w+)", re.IGNORECASE)


def record_statements(engine: Engine, namespace: str) -> None:
    """Listen to an engine; `namespace` is the schema that its statements work in."""

    @event.listens_for(engine, "before_cursor_execute")
    def _begin(
        connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        if not is_recorded():
            return
        operation, table = what_is_done(statement)
        attributes: dict[str, str | int] = {
            names.DB_SYSTEM: "postgresql",
            names.DB_NAMESPACE: namespace,
            names.DB_OPERATION: operation,
        }
        if table:
            attributes[names.DB_COLLECTION] = table
        if many:
            attributes[names.DB_BATCH] = len(parameters)
        connection.info[_RUNNING] = begin_span(f"{operation} {table}".rstrip(), SpanKind.CLIENT, attributes)

    @event.listens_for(engine, "after_cursor_execute")
    def _end(connection: Connection, *_: Any) -> None:
        span: Span | None = connection.info.pop(_RUNNING, None)
        if span is not None:
            span.end()

    @event.listens_for(engine, "handle_error")
    def _fail(context: ExceptionContext) -> None:
        span: Span | None = context.connection.info.pop(_RUNNING, None) if context.connection else None
        if span is not None:
            fail(span, type(context.original_exception).__qualname__)
            span.end()


def what_is_done(statement: str) -> tuple[str, str]:
    """The operation and the table it is about: of a statement with several, the one that is written; "" for no table."""
    written = _WRITTEN.search(statement)
    if written is not None:
        operation, table = (group for group in written.groups() if group)
        return operation.upper(), table
    words = statement.split(None, 1)
    read = _READ.search(statement)
    return (words[0].upper() if words else ""), (read[1] if read else "")

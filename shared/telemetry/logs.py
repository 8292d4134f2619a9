"""Structured JSON logs, one line a record (README.md): who, what, which request and which trace; no secret, nobody's data."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from opentelemetry import trace

from shared.clock import format_timestamp, system_clock
from shared.telemetry.context import find_correlation
from shared.telemetry.redaction import foreign, redacted, scrubbed, summary, told

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}
_OWN = frozenset({"gateway", "shared", "subgraphs", "supergraph", "__main__"})

log = logging.getLogger(__name__)


class JsonFormatter(logging.Formatter):
    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": format_timestamp(system_clock()),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": _message(record),
            **dict(_story()),
        }
        for name, value in vars(record).items():
            if name not in _STANDARD:
                line.setdefault(name, redacted(name, value))
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = told(record.exc_info[1])
        return json.dumps(line)


def configure_logging(service: str, level: str = "INFO") -> None:
    """Send every logger of this process, its warnings and what ends it to standard output as JSON."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    sys.excepthook = _log_the_end
    for chatty in ("uvicorn.access", "aio_pika", "aiormq"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _message(record: logging.LogRecord) -> str:
    """Our messages are constants. A library's may repeat what it was given, in its arguments or in its text."""
    if record.name.partition(".")[0] in _OWN:
        return scrubbed(record.getMessage())
    arguments = record.args
    if isinstance(arguments, tuple):
        arguments = tuple(summary(each) if isinstance(each, BaseException) else each for each in arguments)
    text = str(record.msg) if not isinstance(record.msg, BaseException) else summary(record.msg)
    try:
        return foreign(text % arguments if arguments else text)
    except (TypeError, ValueError):
        return foreign(text)


def _story() -> Iterator[tuple[str, str]]:
    """The ids of the request or message that the line belongs to, as far as there are any."""
    correlation = find_correlation()
    span = trace.get_current_span().get_span_context()
    if correlation is not None:
        yield "correlation_id", scrubbed(correlation.correlation_id)
    if span.is_valid:
        yield "trace_id", f"{span.trace_id:032x}"
        yield "span_id", f"{span.span_id:016x}"
    elif correlation is not None and correlation.traceparent:
        yield "trace_id", correlation.traceparent[3:35]


def _log_the_end(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    log.critical("the process ends by an exception", exc_info=(kind, error, where))

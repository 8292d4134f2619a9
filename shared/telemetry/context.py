"""What ties a request, its events and their effects together: carried in context variables, through HTTP and AMQP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from shared.ids import new_id


class Correlation(NamedTuple):
    """`correlation_id` names the whole story, `causation_id` the event or request that caused this step."""

    correlation_id: str
    causation_id: str | None = None
    traceparent: str | None = None


_current: ContextVar[Correlation | None] = ContextVar("correlation", default=None)


def find_correlation() -> Correlation | None:
    """The correlation of the running request or message."""
    return _current.get()


def current_correlation() -> Correlation:
    """As above; a fresh one where there is none."""
    return _current.get() or Correlation(correlation_id=str(new_id()))


def begin(correlation: Correlation) -> None:
    """As `bind`, for the rest of the running task."""
    _current.set(correlation)


@contextmanager
def bind(correlation: Correlation) -> Iterator[Correlation]:
    token = _current.set(correlation)
    try:
        yield correlation
    finally:
        _current.reset(token)

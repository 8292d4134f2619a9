"""A whole stack of the test session's own: every server and service, on ports of its own. For end-to-end tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from unittest.mock import patch

import pytest
from rich.console import Console

from shared.devstack import stack
from shared.devstack.errors import StackProblem
from shared.devstack.layout import Layout, layout_at
from shared.devstack.lock import alone
from shared.devstack.screen import Screen
from shared.testing.span_sink import SpanSink, span_sink

_OFFSETS = (7000, 9000, 11_000)
"""None puts the gateway on a port that browsers and Node's `fetch` refuse, as 6000 is."""


@dataclass(frozen=True, slots=True)
class RunningStack:
    """`environment` is what an operator's command gets: administrators' addresses, the gateway's, the secrets.

    `spans` has what the services export: of a request whose `traceparent` asks for it, and nothing else.
    """

    layout: Layout
    spans: SpanSink

    @property
    def gateway_url(self) -> str:
        return self.layout.gateway_url

    @property
    def environment(self) -> dict[str, str]:
        return stack.operator_environment(self.layout)


@pytest.fixture(scope="session")
def running_stack() -> Iterator[RunningStack]:
    """Up once a session, in a minute or less; all gone afterwards. What a killed session has left goes first."""
    with ExitStack() as held:
        layout = _free_layout(held)
        screen = Screen(Console(width=120))
        stack.reset(layout, screen)
        try:
            spans = held.enter_context(span_sink())
            with patch.dict(os.environ, _tracing(spans)):
                # Servers that a developer's environment names are not for tests.
                stack.up(layout, screen, environment={})
            yield RunningStack(layout, spans)
        finally:
            stack.reset(layout, screen)


def _tracing(spans: SpanSink) -> dict[str, str]:
    """No trace begins by itself: tests that look at none pay for none."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": spans.url,
        "OTEL_TRACES_SAMPLER_ARG": "0",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }


def _free_layout(held: ExitStack) -> Layout:
    """The first of a few places that no other session is using."""
    for offset in _OFFSETS:
        layout = layout_at(offset)
        try:
            held.enter_context(alone(layout))
        except StackProblem:
            continue
        return layout
    raise StackProblem("Every place for a test stack is taken by another test session.", remedy="Wait for one to end.")

"""A whole stack of the test session's own: every server and service, on ports of its own. For end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from rich.console import Console

from shared.devstack import stack
from shared.devstack.errors import StackProblem
from shared.devstack.layout import Layout, layout_at
from shared.devstack.lock import alone
from shared.devstack.screen import Screen

_OFFSETS = (7000, 9000, 11_000)
"""None puts the gateway on a port that browsers and Node's `fetch` refuse, as 6000 is."""


@dataclass(frozen=True, slots=True)
class RunningStack:
    """`environment` is what an operator's command gets: administrators' addresses, the gateway's, the secrets."""

    layout: Layout

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
            # Servers that a developer's environment names are not for tests.
            stack.up(layout, screen, environment={})
            yield RunningStack(layout)
        finally:
            stack.reset(layout, screen)


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

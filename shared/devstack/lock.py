"""One command at a time changes a stack: two would start the same service twice."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from shared.devstack.errors import StackProblem
from shared.devstack.layout import Layout

LOCK_FILE = "lock"


@contextmanager
def alone(layout: Layout) -> Iterator[None]:
    """Raises StackProblem where another command is at work. The lock goes with the process that holds it."""
    layout.directory.mkdir(parents=True, exist_ok=True)
    with (layout.directory / LOCK_FILE).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as busy:
            raise StackProblem(
                "Another command is starting or stopping this stack.", remedy="Wait for it, then run this one again."
            ) from busy
        yield

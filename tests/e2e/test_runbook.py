"""The commands of the runbook, as somebody on duty types them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from shared.register import PROJECT_ROOT
from shared.testing.running_stack import RunningStack


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("shared.messaging.dlq list", "queue                    owner          waiting  dead"),
        ("shared.messaging.replay --consumer reviews.projector --from 2026-01-01", " sent to reviews.projector again"),
        ("supergraph.checkouts --over 0", "checkout"),
    ],
)
def test_a_command_of_the_runbook_finds_what_runs(command: str, told: str, running_stack: RunningStack) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command.split()],
        cwd=PROJECT_ROOT,
        env=os.environ | running_stack.environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert told in done.stdout

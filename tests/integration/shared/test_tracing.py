"""How spans leave a process: all of them where it stops, and without them where nobody takes them."""

from __future__ import annotations

import os
import subprocess
import sys

from shared.devstack.ports import free_ports
from shared.register import PROJECT_ROOT
from shared.testing.span_sink import span_sink

# Below the interval at which batches leave, so that nothing has left before the end.
PROCESS = """
import sys
from opentelemetry import trace
from shared.telemetry.tracing import configure_tracing

configure_tracing("orders-worker", sys.argv[1], ratio=float(sys.argv[2]))
with trace.get_tracer("test").start_as_current_span("the last one"):
    pass
"""


def run(endpoint: str, ratio: float) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-c", PROCESS, endpoint, str(ratio)]
    environment = os.environ | {"OTEL_BSP_SCHEDULE_DELAY": "60000"}
    return subprocess.run(
        arguments, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_a_process_that_stops_sends_its_last_spans() -> None:
    with span_sink() as sink:
        ended = run(sink.url, 1)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert [(span.service, span.name) for span in sink.spans] == [("orders-worker", "the last one")]


def test_a_share_of_none_records_nothing() -> None:
    with span_sink() as sink:
        assert run(sink.url, 0).returncode == 0
        assert sink.spans == []


def test_a_process_whose_collector_is_away_ends_all_the_same() -> None:
    (nobody,) = free_ports(1)
    assert run(f"http://127.0.0.1:{nobody}", 1).returncode == 0

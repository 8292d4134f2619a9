"""However many operations manifests list, only so many are told apart."""

from __future__ import annotations

from gateway.telemetry.operations import UNLISTED, OperationMeters
from tests.fixtures.samples import total


def test_operations_beyond_the_cap_share_the_figures_of_what_no_manifest_lists() -> None:
    meters = OperationMeters(most=2)
    before = total("gateway_requests_total", operation="other", outcome="ok")

    for name in ("CapA", "CapB", "CapC", "CapD", "CapA"):
        meters.of(name).ok.inc()

    assert total("gateway_requests_total", operation="CapA", outcome="ok") == 2
    assert total("gateway_requests_total", operation="CapB", outcome="ok") == 1
    assert total("gateway_requests_total", operation="CapC") == 0
    assert meters.of("CapD") is UNLISTED
    assert total("gateway_requests_total", operation="other", outcome="ok") == before + 2

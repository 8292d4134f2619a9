"""What every process tells of itself, beside what Prometheus's client tells of any (`process_*`, `python_*`)."""

from __future__ import annotations

import os

from prometheus_client import Gauge

BUILD = Gauge(
    "build_info", "1; its labels say what runs, the version as BUILD_VERSION named it", ["service", "version"]
)


def describe_process(service: str) -> None:
    BUILD.labels(service, os.environ.get("BUILD_VERSION") or "development").set(1)

"""The catalogues of metrics, as a process that has imported them declares them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from functools import cache

import orjson

from shared.register import PROJECT_ROOT

EVERY = "shared.telemetry.process"
SERVICES = "shared.telemetry.metrics"
GATEWAY = "gateway.telemetry.operations"

# In a process of its own: other tests declare metrics in this one.
_TOLD = """
import importlib, json, sys
from prometheus_client import REGISTRY
for module in sys.argv[1:]:
    importlib.import_module(module)
told = {}
for collector in list(REGISTRY._collector_to_names):
    labels = getattr(collector, "_labelnames", getattr(collector, "_labels", None))
    if labels is not None:
        total = "_total" if getattr(collector, "_type", "") == "counter" else ""
        told[collector._name + total] = list(labels)
print(json.dumps(told))
"""


@cache
def declared(*modules: str) -> Mapping[str, tuple[str, ...]]:
    """Label names by the name that Prometheus sees, of these catalogues or of all."""
    chosen = modules or (EVERY, SERVICES, GATEWAY)
    told = subprocess.run(
        [sys.executable, "-c", _TOLD, *chosen], cwd=PROJECT_ROOT, capture_output=True, check=True
    ).stdout
    return {name: tuple(labels) for name, labels in orjson.loads(told).items()}

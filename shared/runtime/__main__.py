"""`python -m shared.runtime api orders`, `python -m shared.runtime worker orders`: one process of one domain."""

from __future__ import annotations

import argparse
import importlib

import uvloop

from shared.register import load_register
from shared.runtime.api import run_api
from shared.runtime.resources import open_resources
from shared.runtime.worker import run_worker
from shared.telemetry.logs import configure_logging
from shared.telemetry.process import describe_process
from shared.telemetry.tracing import configure_tracing

KINDS = {"api": run_api, "worker": run_worker}


async def run(kind: str, domain: str) -> None:
    """Compose the domain from its `app.py` and run the process until it is told to stop."""
    root = importlib.import_module(f"subgraphs.{domain}.app")
    settings = root.SETTINGS()
    service = f"{domain}-{kind}"
    configure_logging(service, settings.log_level)
    describe_process(service)
    configure_tracing(service, settings.otel_exporter_otlp_endpoint, ratio=settings.otel_traces_sampler_arg)
    async with open_resources(domain, settings) as resources:
        await KINDS[kind](resources, root.build(resources))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m shared.runtime", description=__doc__)
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("domain", choices=[subgraph.name for subgraph in load_register().subgraphs])
    arguments = parser.parse_args()
    uvloop.run(run(arguments.kind, arguments.domain))


if __name__ == "__main__":
    main()

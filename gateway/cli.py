"""The command line: `serve` (the default) runs the gateway, `plan` prints the plan of an operation."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import uvicorn
from graphql import GraphQLError, parse, validate

from gateway.app import Gateway, build_gateway
from gateway.errors import GatewayError
from gateway.planner.normalize import normalize
from gateway.planner.planner import Planner
from gateway.planner.printer import print_plan
from gateway.settings import Settings, read_settings
from gateway.supergraph.api_schema import build_api_schema
from gateway.supergraph.sdl import parse_supergraph
from gateway.supergraph.source import SupergraphFile, read_supergraph
from shared.telemetry.logs import configure_logging
from shared.telemetry.tracing import configure_tracing


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, or 1 with a message on standard error."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "plan":
            return _plan(options.supergraph, options.operation, options.name)
        given = {name: getattr(options, name) for name in ("host", "port") if getattr(options, name) is not None}
        return _serve(options.supergraph, read_settings(options.config, given))
    except (GatewayError, GraphQLError, OSError, ValueError, TypeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gateway", description="A federated GraphQL gateway.")
    parser.add_argument("command", nargs="?", choices=["serve", "plan"], default="serve")
    parser.add_argument("--supergraph", type=Path, required=True, help="the composed supergraph's SDL")
    parser.add_argument("--config", type=Path, help="settings, as YAML")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--operation", type=Path, help="plan: a file with the operation; standard input without it")
    parser.add_argument("--name", help="plan: the operation's name, where the file holds several")
    return parser


def _plan(supergraph_file: Path, operation_file: Path | None, name: str | None) -> int:
    supergraph = parse_supergraph(read_supergraph(supergraph_file))
    schema = build_api_schema(supergraph)
    text = operation_file.read_text(encoding="utf-8") if operation_file else sys.stdin.read()
    document = parse(text)
    errors = validate(schema, document)
    if errors:
        raise errors[0]
    plan = Planner(supergraph).plan(normalize(schema, document, name))
    sys.stdout.write(print_plan(plan).rstrip("\n") + "\n")
    return 0


def _serve(supergraph_file: Path, settings: Settings) -> int:
    configure_tracing("gateway", settings.tracing.otlp_endpoint)
    file = SupergraphFile(supergraph_file)
    gateway = build_gateway(file.read(), settings, file)
    # From here on there is a log; what cannot be served before is one line on standard error.
    configure_logging("gateway", settings.log.level)
    config = uvicorn.Config(
        gateway.app,
        host=settings.http.host,
        port=settings.http.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=int(settings.http.drain_timeout) or 1,
    )
    _Server(config, gateway, settings.http.shutdown_delay).run()
    return 0


class _Server(uvicorn.Server):
    """On the first signal the gateway stops being ready; `delay` seconds later, when balancers know, it stops listening."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway, delay: float) -> None:
        super().__init__(config)
        self._readiness = gateway.readiness
        self._delay = delay
        self._signalled = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """The second signal cuts off what is under way. Signals are not raised again afterwards: a stop is a success."""
        if self._signalled:
            self.force_exit = True
            return
        self._signalled = True
        self._readiness.close()
        # Python runs signal handlers between the steps of the loop, so this is the loop that serves.
        asyncio.get_running_loop().call_later(self._delay, self._stop)

    def _stop(self) -> None:
        self.should_exit = True

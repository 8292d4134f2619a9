"""The command line: `serve` (the default) runs the gateway, `plan` prints the plan of an operation."""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, TypeGuard, get_args

import uvicorn
from graphql import GraphQLError, parse, validate
from pydantic import BaseModel

from gateway.app import Gateway, build_gateway
from gateway.errors import GatewayError, SupergraphError
from gateway.http.collector import collect_rarely
from gateway.http.config import HttpConfig
from gateway.http.endpoint import GatewayEndpoint
from gateway.http.protocol import direct_protocol
from gateway.pipeline.supergraph_check import read_supergraph_model
from gateway.planner.deferral import defer_variables
from gateway.planner.deferred_parts import deferred_parts
from gateway.planner.normalize import normalize
from gateway.planner.planner import Planner
from gateway.planner.printer import print_plan
from gateway.settings import Settings, read_settings
from gateway.supergraph.api_schema import build_api_schema, with_defer
from gateway.supergraph.source import UNREADABLE, SupergraphFile, read_supergraph
from gateway.telemetry.metrics import TLS_EXPIRY
from shared.telemetry.logs import configure_logging
from shared.telemetry.process import describe_process
from shared.telemetry.tracing import configure_tracing
from shared.tls import Renewal, server_context

_LISTENING = ("host", "port", "uds", "tls_certificate", "tls_key")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, or 1 with a message on standard error."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "plan":
            return _plan(options.supergraph, options.operation, options.name)
        given = {name: getattr(options, name) for name in _LISTENING if getattr(options, name) is not None}
        return _serve(options.supergraph, read_settings(options.config, given))
    except SupergraphError as error:
        # One that cannot be read already says which.
        name = "" if error.code == UNREADABLE else f"{options.supergraph}: "
        return _refuse(f"{name}{error}")
    except GraphQLError as error:
        return _refuse(error.message)
    except (GatewayError, OSError, ValueError, TypeError) as error:
        return _refuse(str(error))


def _refuse(message: str) -> int:
    sys.stderr.write(f"gateway: {' '.join(message.split())}\n")
    return 1


_DESCRIPTION = """\
A federated GraphQL gateway. It serves any supergraph that a Federation 2 composer writes (join v0.1 to v0.5) and needs
nothing beside the file: no database, no broker.

commands
  serve   answer GraphQL over HTTP (the default). The file is watched: a new supergraph is planned for on the side and put
          in place at once; one that cannot be served leaves the old one serving, and says so in the log and in /metrics.
  plan    print the plan of one operation as readable text, and end
"""

_EPILOG = """\
examples
  python -m gateway --supergraph supergraph.graphql
  python -m gateway --supergraph supergraph.graphql --config gateway.yaml --host 0.0.0.0 --port 4000
  python -m gateway plan --supergraph supergraph.graphql --operation query.graphql
  echo '{ me { id } }' | python -m gateway plan --supergraph supergraph.graphql

paths
  /graphql        GET and POST (http.path)       /health/live    200 while the process runs
                  and subscriptions: WebSocket (graphql-transport-ws), text/event-stream (graphql-sse; PUT and DELETE too),
                  multipart/mixed;subscriptionSpec=1.0
  /graphql/<id>   a listed operation (persisted)  /               the explorer, GraphiQL (explorer.enabled)
  /metrics        Prometheus (http.metrics_path) /health/ready   200 while a supergraph is served and no stop is near

sections of the configuration file, all optional; an unknown key is refused by its name; ${NAME} is an environment variable
{sections}

signals
  SIGTERM or SIGINT ends readiness, waits http.shutdown_delay, closes the port and lets requests finish for
  http.drain_timeout; the second one cuts them off.

exit status
  0 after a stop, 1 with one line on standard error where something cannot be used, 2 for a wrong command line
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gateway",
        description=_DESCRIPTION,
        epilog=_EPILOG.replace("{sections}", "\n".join(_sections())),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", nargs="?", choices=["serve", "plan"], default="serve", help="see above")
    parser.add_argument("--supergraph", type=Path, required=True, metavar="FILE", help="the composed supergraph's SDL")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings as YAML; without it the defaults hold")
    parser.add_argument("--host", help="the address to listen on, over http.host (default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="the port to listen on, over http.port (default 4000)")
    parser.add_argument("--uds", metavar="PATH", help="a Unix socket to listen on in place of host and port")
    parser.add_argument("--tls-certificate", metavar="FILE", help="PEM; with --tls-key the gateway speaks HTTPS")
    parser.add_argument("--tls-key", metavar="FILE", help="the certificate's private key, PEM")
    parser.add_argument("--operation", type=Path, metavar="FILE", help="plan: the operation; standard input without it")
    parser.add_argument("--name", help="plan: which operation, where the file holds several")
    return parser


def _sections() -> Iterator[str]:
    """Each section of the settings with the names of its keys."""
    for name, field in Settings.model_fields.items():
        config = next((part for part in (field.annotation, *get_args(field.annotation)) if _is_model(part)), None)
        keys = " ".join(config.model_fields) if config else "<subgraph>: <URL over the supergraph's>"
        yield textwrap.fill(keys, 118, initial_indent=f"  {name:<15} ", subsequent_indent=" " * 18)


def _is_model(part: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(part, type) and issubclass(part, BaseModel)


def _plan(supergraph_file: Path, operation_file: Path | None, name: str | None) -> int:
    supergraph = read_supergraph_model(read_supergraph(supergraph_file))
    schema = with_defer(build_api_schema(supergraph))
    text = operation_file.read_text(encoding="utf-8") if operation_file else sys.stdin.read()
    document = parse(text)
    errors = validate(schema, document)
    if errors:
        raise errors[0]
    # As for a client that takes an answer in parts, and wants all of them.
    operation = normalize(schema, document, name, deferring=defer_variables(document))
    plan = Planner(supergraph).plan(operation)
    sys.stdout.write(print_plan(plan, deferred_parts(operation, plan)).rstrip("\n") + "\n")
    return 0


def _serve(supergraph_file: Path, settings: Settings) -> int:
    describe_process("gateway")
    configure_tracing("gateway", settings.tracing.otlp_endpoint, ratio=settings.tracing.sample_ratio)
    file = SupergraphFile(supergraph_file)
    gateway = build_gateway(file.read(), settings, file)
    # From here on there is a log; what cannot be served before is one line on standard error.
    configure_logging("gateway", settings.log.level)
    collect_rarely()
    _Server(server_config(gateway.app, settings), gateway, settings.http).run()
    return 0


def server_config(app: GatewayEndpoint, settings: Settings) -> uvicorn.Config:
    """How uvicorn serves the gateway."""
    http = settings.http
    return uvicorn.Config(
        app,
        **_listening(http),
        loop="uvloop",
        http=direct_protocol(app.lane),
        ws="websockets-sansio" if settings.subscriptions.enabled else "none",
        ws_max_size=settings.limits.body_bytes,
        # Compressed, a small message could become a large one, and each would cost more processor time than bytes it saves.
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        # Who asks is what http.trusted_proxies says, never what any process on this machine claims.
        proxy_headers=False,
        timeout_keep_alive=int(http.keep_alive) or 1,
        timeout_graceful_shutdown=int(http.drain_timeout) or 1,
    )


def _listening(http: HttpConfig) -> dict[str, Any]:
    """Where uvicorn listens, and whether by TLS."""
    where: dict[str, Any] = {"uds": http.uds} if http.uds else {"host": http.host, "port": http.port}
    if http.tls_key is None:
        return where
    return where | {"ssl_context_factory": lambda *_: server_context(http.tls)}


class _Server(uvicorn.Server):
    """On the first signal the gateway stops being ready; `shutdown_delay` later, when balancers know, it stops listening."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway, http: HttpConfig) -> None:
        super().__init__(config)
        self._gateway = gateway
        self._delay = http.shutdown_delay
        self._unread_timeout = http.unread_timeout
        self._tls = http.tls
        self._renewing: asyncio.Task[None] | None = None
        self._signalled = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen. Whoever reads nothing would hold a connection for good: closing one waits for what was written to it."""
        await super().startup(sockets)
        if self.config.ssl is not None:
            renewal = Renewal(self.config.ssl, self._tls, TLS_EXPIRY.labels("listener"))
            self._renewing = asyncio.create_task(renewal.run())
        for listening in (listening for server in self.servers for listening in server.sockets):
            if listening.family != socket.AF_UNIX:
                # Linux's own clock for it (RFC 5482); connections take it over from the socket that accepts them.
                milliseconds = int(self._unread_timeout * 1000)
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """The second signal cuts off what is under way. Signals are not raised again afterwards: a stop is a success."""
        if self._signalled:
            self.force_exit = True
            return
        self._signalled = True
        self._gateway.readiness.close()
        self._say_goodbye()
        # Python runs signal handlers between the steps of the loop, so this is the loop that serves.
        asyncio.get_running_loop().call_later(self._delay, self._stop)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening; clients would send again what has no answer when their WebSocket is closed."""
        for server in self.servers:
            server.close()
        if self._renewing is not None:
            self._renewing.cancel()
        await self._gateway.app.settle(float(self.config.timeout_graceful_shutdown or 0))
        await super().shutdown(sockets)

    def _say_goodbye(self) -> None:
        """Each answer tells its client to ask elsewhere next: a connection closed unannounced may lose what is on its way."""
        closing = (b"connection", b"close")
        self._gateway.app.lane.close()
        # uvicorn makes the second list of the first once a second.
        self.config.encoded_headers.append(closing)
        self.server_state.default_headers = [*self.server_state.default_headers, closing]

    def _stop(self) -> None:
        self._gateway.end_subscriptions()
        self.should_exit = True

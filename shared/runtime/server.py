"""Serves ASGI apps on their ports in one process until SIGTERM or SIGINT, then drains them."""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from shared.telemetry.metrics import CERTIFICATE_EXPIRY
from shared.tls import Renewal, TlsFiles, server_context

DRAIN_SECONDS = 10


Drain = Callable[[], Awaitable[None]]


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        # One process holds several servers: `serve` listens for the signals for all of them.
        yield

    def say_goodbye(self) -> None:
        """Each answer from now on tells its client to ask elsewhere next. A connection that is closed unannounced may
        be closed just as the next request is under way on it, and one that must not be sent twice is lost."""
        closing = (b"connection", b"close")
        # uvicorn makes the second list of the first once a second.
        self.config.encoded_headers.append(closing)
        self.server_state.default_headers = [*self.server_state.default_headers, closing]

    async def end(self, serving: asyncio.Task[None]) -> None:
        self.should_exit = True
        await serving


async def serve(
    apps: Mapping[int, ASGIApp],
    *,
    host: str,
    stopped: asyncio.Event | None = None,
    delay: float = 0.0,
    drain: Drain | None = None,
    tls: Mapping[int, TlsFiles] | None = None,
) -> None:
    """`apps` by port, by HTTPS on the ports of `tls`. Returns once every server has finished its open requests, after a
    signal or `stopped`. Raises OSError for a certificate that cannot be used.

    When it is told to stop it goes on answering for `delay` seconds, in which whoever sends requests here learns better;
    then `drain` ends what would not end by itself; then the servers end in the order of `apps`, the last one last.
    """
    stopped = stopped or stop_on_signal()
    files = tls or {}
    contexts = {port: server_context(own) for port, own in files.items()}
    renewals = [Renewal(context, files[port], CERTIFICATE_EXPIRY) for port, context in contexts.items()]
    servers = [_Server(_config(app, host, port, contexts.get(port))) for port, app in apps.items()]
    tasks = [asyncio.create_task(server.serve()) for server in servers]
    renewing = [asyncio.create_task(renewal.run()) for renewal in renewals]
    waiting = asyncio.create_task(stopped.wait())
    await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for server in servers:
        server.say_goodbye()
    await asyncio.sleep(delay)
    if drain is not None:
        await drain()
    for server, task in zip(servers, tasks, strict=True):
        await server.end(task)
    for other in (waiting, *renewing):
        other.cancel()


def stop_on_signal() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    return stopped


def _config(app: ASGIApp, host: str, port: int, tls: ssl.SSLContext | None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=DRAIN_SECONDS,
        server_header=False,
        ssl_context_factory=(lambda *_: tls) if tls else None,
    )

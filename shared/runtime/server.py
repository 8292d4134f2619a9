"""Serves ASGI apps on their ports in one process until SIGTERM or SIGINT, then drains them."""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import Generator, Mapping
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from shared.telemetry.metrics import CERTIFICATE_EXPIRY
from shared.tls import Renewal, TlsFiles, server_context

DRAIN_SECONDS = 10


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        # One process holds several servers: `serve` listens for the signals for all of them.
        yield


async def serve(
    apps: Mapping[int, ASGIApp],
    *,
    host: str,
    stopped: asyncio.Event | None = None,
    tls: Mapping[int, TlsFiles] | None = None,
) -> None:
    """`apps` by port, by HTTPS on the ports of `tls`. Returns once every server has finished its open requests, after a
    signal or `stopped`. Raises OSError for a certificate that cannot be used."""
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
        server.should_exit = True
    for task in (waiting, *renewing):
        task.cancel()
    await asyncio.gather(*tasks)


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

"""Health and metrics, on a port of their own that is never routed to clients."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

log = logging.getLogger(__name__)

Check = Callable[[], Awaitable[None]]
"""Raises where what it checks is not there."""


def operations_app(checks: Mapping[str, Check], *, stopped: asyncio.Event | None = None) -> Starlette:
    """`/health/live` answers while the process runs; `/health/ready` is 503 while a dependency is away, and from the
    moment that `stopped` is set; `/metrics`."""

    async def live(_: Request) -> Response:
        return PlainTextResponse("live")

    async def ready(_: Request) -> Response:
        if stopped is not None and stopped.is_set():
            return JSONResponse({"process": "stopping"}, status_code=503)
        state: dict[str, str] = {}
        for name, check in checks.items():
            try:
                await check()
                state[name] = "ok"
            except Exception as error:
                log.warning("not ready", extra={"dependency": name, "error": error})
                state[name] = "unavailable"
        return JSONResponse(state, status_code=200 if set(state.values()) <= {"ok"} else 503)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/health/live", live), Route("/health/ready", ready), Route("/metrics", metrics)])

"""Writes an HTTP body that goes on for as long as its client listens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from starlette.types import Receive, Send

STREAM_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
"""No cache keeps a stream, and no proxy holds it back until it is long enough."""


async def write_stream(
    receive: Receive,
    send: Send,
    chunks: AsyncIterator[bytes],
    headers: Mapping[str, str],
    *,
    heartbeat: bytes,
    interval: float,
    send_timeout: float,
    more: Sequence[tuple[str, str]] = (),
) -> None:
    """Send `chunks` until they end, or the client goes away or takes nothing for `send_timeout` seconds.

    `more` are header lines that may repeat a name.
    """
    lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (*headers.items(), *more)]
    gone = asyncio.ensure_future(_gone(receive))
    pending: asyncio.Future[bytes] | None = None
    try:
        await _send(send, {"type": "http.response.start", "status": 200, "headers": lines}, send_timeout)
        while True:
            if pending is None:
                pending = asyncio.ensure_future(anext(chunks))
            waited: set[asyncio.Future[Any]] = {pending, gone}
            await asyncio.wait(waited, timeout=interval, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                return
            chunk = heartbeat
            if pending.done():
                try:
                    chunk = pending.result()
                except StopAsyncIteration:
                    break
                pending = None
            if chunk:
                await _send(send, {"type": "http.response.body", "body": chunk, "more_body": True}, send_timeout)
        await _send(send, {"type": "http.response.body", "body": b""}, send_timeout)
    except OSError:
        # A timeout: the client takes nothing any more. Otherwise it is gone. The server cuts the unfinished body off.
        return
    finally:
        gone.cancel()
        if pending is not None and not pending.done():
            pending.cancel()
            await asyncio.wait({pending})


async def _send(send: Send, message: dict[str, object], patience: float) -> None:
    async with asyncio.timeout(patience):
        await send(message)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

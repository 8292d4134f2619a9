"""Reads a request's body: bounded in bytes as it comes, and in time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator, Mapping
from typing import Any

from starlette.types import Message, Receive

from gateway.errors import RequestRefused


async def read_body(receive: Receive, headers: Mapping[str, str], limit: int, seconds: float) -> bytes:
    """The whole body. Raises RequestRefused: 413 as soon as it is known to be too large, 408 if it takes too long."""
    declared = headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    begun = _Begun(receive())
    message = begun.message
    if message is not None and message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        return body
    try:
        async with asyncio.timeout(seconds):
            return await _read_on(receive, await begun, limit)
    except TimeoutError as error:
        raise RequestRefused("REQUEST_TIMEOUT", "The body took too long to arrive.", status=408) from error


class _Begun:
    """The first message, taken without a wait where it is there already: only a slow sender is worth a timer."""

    def __init__(self, receiving: Awaitable[Message]) -> None:
        self.message: Message | None = None
        self._rest = receiving.__await__()
        try:
            self._pending = next(self._rest)
        except StopIteration as arrived:
            self.message = arrived.value

    def __await__(self) -> Generator[Any, Any, Message]:
        if self.message is not None:
            return self.message
        try:
            yield self._pending
        except BaseException:
            self._rest.close()
            raise
        return (yield from self._rest)


async def _read_on(receive: Receive, message: Message, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise RequestRefused("CLIENT_CLOSED_REQUEST", "The client went away.", status=400)
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)
        message = await receive()


def _too_large(limit: int) -> RequestRefused:
    return RequestRefused("PAYLOAD_TOO_LARGE", f"The body is larger than {limit} bytes.", status=413)

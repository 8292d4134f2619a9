"""A subscription over HTTP: server-sent events in the distinct connections mode of graphql-sse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import orjson
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from shared.graphql.subscriptions import Answer, AnswerStream

EVENT_STREAM = "text/event-stream"
HEARTBEAT_SECONDS = 10.0
_HEARTBEAT = b":\n\n"
_COMPLETE = b"event: complete\ndata:\n\n"


class EventStreamResponse(StreamingResponse):
    """Sends each answer as a `next` event, a comment after each silence of `heartbeat` seconds, `complete` at the end.

    A client that goes away ends the stream, wherever it waits.
    """

    def __init__(self, stream: AnswerStream, *, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        self._stream = stream
        headers = {"content-type": EVENT_STREAM, "cache-control": "no-store"}
        super().__init__(frames(stream, heartbeat), headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._stream.aclose()


async def frames(stream: AnswerStream, heartbeat: float) -> AsyncGenerator[bytes]:
    """The bytes of the stream, from which nothing is lost to a heartbeat."""
    while True:
        answer = asyncio.create_task(stream.next_answer())
        try:
            while not (await asyncio.wait({answer}, timeout=heartbeat))[0]:
                yield _HEARTBEAT
        finally:
            answer.cancel()
        found = answer.result()
        yield _COMPLETE if found is None else _next(found)
        if found is None:
            return


def _next(answer: Answer) -> bytes:
    # JSON holds no line break: one data line is enough.
    return b"event: next\ndata: " + orjson.dumps(answer) + b"\n\n"

"""Bodies in gzip: answers where the client takes them, requests only up to the bound on what comes out of them."""

from __future__ import annotations

import asyncio
import zlib

from starlette.types import Message, Send

from gateway.errors import RequestRefused
from gateway.http.config import CompressionConfig
from gateway.http.negotiation import quality

_GZIP = 16 + zlib.MAX_WBITS
_BESIDE_THE_LOOP = 128 * 1024
"""From this size on a body takes more than a millisecond: other requests need not wait for it."""


def accepts_gzip(accept_encoding: str | None) -> bool:
    """Whether an Accept-Encoding header takes gzip (RFC 9110 section 12.5.3). No header asks for no compression."""
    if not accept_encoding:
        return False
    found: dict[str, float] = {}
    for part in accept_encoding.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        found[name] = quality(parameters)
    return found.get("gzip", found.get("x-gzip", found.get("*", 0.0))) > 0


class GzipSend:
    """An ASGI `send` that compresses a whole answer of at least `minimum_bytes`. A stream passes as it comes."""

    def __init__(self, send: Send, config: CompressionConfig) -> None:
        self._send = send
        self._config = config
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if self._start is not None:
            message = await self._begin(self._start, message)
            self._start = None
        await self._send(message)

    async def _begin(self, start: Message, message: Message) -> Message:
        """Send the start of the answer, and give what follows it."""
        body: bytes = message.get("body", b"")
        if not message.get("more_body") and len(body) >= self._config.minimum_bytes:
            body = await gzipped(body, self._config.level)
            kept = [(name, value) for name, value in start["headers"] if name != b"content-length"]
            own = [(b"content-encoding", b"gzip"), (b"content-length", b"%d" % len(body))]
            start, message = {**start, "headers": [*kept, *own]}, {**message, "body": body}
        await self._send(start)
        return message


async def gzipped(body: bytes, level: int) -> bytes:
    """The body in gzip; a large one is compressed on a thread."""
    if len(body) < _BESIDE_THE_LOOP:
        return zlib.compress(body, level, wbits=_GZIP)
    return await asyncio.to_thread(zlib.compress, body, level, _GZIP)


def decompressed(body: bytes, limit: int) -> bytes:
    """The content of a gzip body. Raises RequestRefused: 413 past `limit` bytes of it, 400 for what is no gzip.

    No more than `limit` bytes are ever unpacked, so what a bomb would become does not matter.
    """
    inflater = zlib.decompressobj(wbits=_GZIP)
    try:
        content = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise _broken() from error
    if len(content) > limit:
        raise RequestRefused("PAYLOAD_TOO_LARGE", f"The body is larger than {limit} bytes.", status=413)
    if not inflater.eof or inflater.unused_data:
        raise _broken()
    return content


def _broken() -> RequestRefused:
    return RequestRefused("INVALID_ENCODING", "The body is not one whole gzip stream.")

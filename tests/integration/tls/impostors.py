"""Servers that are not who a client asked for, and write down whatever it tells them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_SSL_REQUEST = bytes.fromhex("0000000804d2162f")
"""With it a client of Postgres asks whether the server speaks TLS."""


@dataclass(slots=True)
class Impostor:
    """`heard` is what was said inside of TLS or, without it, all that was said."""

    port: int = 0
    heard: bytearray = field(default_factory=bytearray)


@asynccontextmanager
async def impostor(tls: ssl.SSLContext | None, *, postgres: bool = False) -> AsyncIterator[Impostor]:
    """Shows what `tls` holds, or speaks plain text; as `postgres` it is asked for TLS first."""
    found = Impostor()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if postgres:
                assert await reader.readexactly(8) == _SSL_REQUEST
                writer.write(b"S" if tls else b"N")
                if tls:
                    await writer.start_tls(tls)
            found.heard += await reader.read(65536)
            if not tls and not postgres:
                writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError):
            pass  # The client has seen enough.
        finally:
            writer.close()

    listening = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=None if postgres else tls)
    found.port = listening.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        listening.close()

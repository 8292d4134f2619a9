"""The session's Postgres, with a certificate for a while."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from shared.devstack.servers.reachable import NOBODY, reachable_directory
from shared.testing.certificates import Issued
from shared.testing.eventually import eventually
from shared.testing.servers import Servers


@asynccontextmanager
async def postgres_with_tls(servers: Servers, own: Issued) -> AsyncIterator[None]:
    """The session's Postgres takes TLS for a while: it needs no restart for that."""
    data = reachable_directory(servers.postgres.directory) / "data"
    for name, content in (("server.crt", own.certificate), ("server.key", own.key)):
        file = data / name
        file.touch(mode=0o600)
        file.write_bytes(content.read_bytes())
        if os.geteuid() == 0:
            os.chown(file, NOBODY, NOBODY)
    connection = await asyncpg.connect(servers.postgres.url, ssl=False)
    try:
        await _set(connection, "ALTER SYSTEM SET ssl = on", "on")
        yield
        await _set(connection, "ALTER SYSTEM RESET ssl", "off")
    finally:
        await connection.close()


async def _set(connection: asyncpg.Connection, statement: str, wanted: str) -> None:
    await connection.execute(statement)
    await connection.execute("SELECT pg_reload_conf()")

    async def holds() -> bool:
        return bool(await connection.fetchval("SHOW ssl") == wanted)

    await eventually(f"ssl = {wanted}", holds)

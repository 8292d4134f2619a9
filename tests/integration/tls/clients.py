"""Every client of a store or of the broker in this code base: each connects and asks for something, or raises."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import asyncpg
import httpx
from aio_pika.exceptions import AMQPError
from redis import RedisError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from shared.cache.impatient import impatient_redis
from shared.db.database import Database
from shared.devstack.bootstrap import connection_to
from shared.devstack.errors import StackProblem
from shared.devstack.migrate import dbmate
from shared.devstack.servers.named import require_redis
from shared.messaging.broker_admin import admin_channel
from shared.messaging.intake import Answer, Delivery
from shared.messaging.publisher import Publisher
from shared.messaging.subscriber import QueueReader
from shared.messaging.topology import declare_topology
from shared.register import load_register

REFUSALS = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    SQLAlchemyError,
    AMQPError,
    RedisError,
    httpx.HTTPError,
    StackProblem,
)
Client = Callable[[str], Awaitable[object]]
_ENCRYPTED = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


async def _engine(url: str, *, pooler: bool) -> object:
    database = Database(url, application_name="orders", pooler=pooler)
    try:
        async with database.read() as session:
            return await session.scalar(text(_ENCRYPTED))
    finally:
        await database.close()


async def _administrator(url: str) -> object:
    async with connection_to(url) as connection:
        return await connection.fetchval(_ENCRYPTED)


async def _migration(url: str) -> object:
    return "Applied" in await asyncio.to_thread(dbmate, load_register().get("orders"), "status", url=url)


POSTGRES: Mapping[str, Client] = {
    "service": lambda url: _engine(url, pooler=False),
    "service behind a pooler": lambda url: _engine(url, pooler=True),
    "administrator": _administrator,
    "migration": _migration,
}


async def _publisher(url: str) -> object:
    publisher = Publisher(url)
    try:
        return await publisher.connect()
    finally:
        await publisher.close()


async def _reader(url: str) -> object:
    async def take(_: Delivery) -> Answer:
        return Answer.ACKNOWLEDGE

    reader = QueueReader(url, {"orders.command": take})
    try:
        await reader._start()
    finally:
        await reader._broker.stop()
    return True


async def _operator(url: str) -> object:
    async with admin_channel(url) as channel:
        return channel


AMQP: Mapping[str, Client] = {"publisher": _publisher, "reader": _reader, "operator": _operator}


async def declare(amqp_url: str, management_url: str, passwords: Mapping[str, str]) -> None:
    register = load_register()
    await asyncio.to_thread(
        declare_topology, register, amqp_url=amqp_url, management_url=management_url, passwords=passwords
    )


async def _ping(redis: Redis) -> object:
    redis.set_retry(Retry(NoBackoff(), 0))
    try:
        return await redis.ping()
    finally:
        await redis.aclose()


async def _sync_ping(url: str) -> object:
    await asyncio.to_thread(require_redis, url)
    return True


REDIS: Mapping[str, Client] = {
    "service": lambda url: _ping(Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)),
    "gateway": lambda url: _ping(impatient_redis(url, timeout=1, connections=1)),
    "launcher": _sync_ping,
}


def by_tls(url: str, *, port: int, authorities: Path, host: str = "127.0.0.1") -> str:
    """The same login at a server of which only what `authorities` vouch for is believed."""
    parts = httpx.URL(url)
    scheme, option = {
        "postgresql": ("postgresql", "sslmode=verify-full&sslrootcert"),
        "amqp": ("amqps", "cafile"),
        "http": ("https", "cafile"),
        "redis": ("rediss", "ssl_ca_certs"),
    }[parts.scheme]
    return f"{scheme}://{parts.userinfo.decode()}@{host}:{port}{parts.path}?{option}={authorities}"

"""Postgres or the broker away: waited for, uncounted, and everything arrives afterwards."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from shared.messaging.subscriber import PREFETCH
from shared.testing.servers import Servers
from tests.integration.messaging.flow import QUEUE, Flow, approved, eventually, running


async def settled(database_url: str, effects: int) -> None:
    """Over connections of its own, since the tests' old ones died with the server."""

    async def done() -> bool:
        with suppress(OSError, asyncpg.PostgresError):
            connection: asyncpg.Connection[Any] = await asyncpg.connect(database_url)
            try:
                return bool(
                    await connection.fetchval(
                        "SELECT (SELECT count(*) FROM reviews.effect) = $1 AND NOT EXISTS (SELECT FROM sellers.outbox)",
                        effects,
                    )
                )
            finally:
                await connection.close()
        return False

    await eventually(done, seconds=40)


async def test_a_broker_that_goes_away_loses_nothing(flow: Flow, servers: Servers) -> None:
    async with running(flow.relay(), flow.subscriber()):
        await flow.commit(*[approved() for _ in range(20)])
        await settled(flow.database.admin_url, 20)

        await asyncio.to_thread(servers.rabbitmq.stop)
        await flow.commit(*[approved() for _ in range(20)])
        assert await flow.count("sellers.outbox") == 20
        # One more that starts while the broker is away.
        latecomer = flow.subscriber()
        async with running(latecomer):
            await asyncio.to_thread(servers.rabbitmq.start)
            await settled(flow.database.admin_url, 40)

            async def ready() -> bool:
                return latecomer.ready

            await eventually(ready)
    assert await flow.count("reviews.inbox") == 40
    assert await flow.count("reviews.delivery_attempt") == 0


async def test_a_postgres_that_is_away_is_waited_for_and_counted_against_nobody(flow: Flow, servers: Servers) -> None:
    await flow.commit(*[approved() for _ in range(2 * PREFETCH)])
    await flow.relay_all()
    await asyncio.to_thread(servers.postgres.stop)
    with pytest.raises((OSError, DBAPIError)):
        await flow.commit(approved())

    async with running(flow.relay(), flow.subscriber()):

        async def held_by_the_consumer() -> bool:
            return await flow.depth(QUEUE) == PREFETCH

        await eventually(held_by_the_consumer)
        await asyncio.to_thread(servers.postgres.start)
        await settled(flow.database.admin_url, 2 * PREFETCH)

    admin = await asyncpg.connect(flow.database.admin_url)
    assert await admin.fetchval("SELECT count(*) FROM reviews.delivery_attempt") == 0
    assert await admin.fetchval("SELECT count(*) FROM reviews.inbox") == 2 * PREFETCH
    await admin.close()

"""Production puts pgBouncer in transaction mode before Postgres: units of work and their scopes survive it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from shared.db.database import Database
from shared.db.scope import Scope
from shared.devstack.ports import free_ports
from shared.devstack.servers.pgbouncer import PoolerServer
from shared.testing.servers import DomainDatabase, Servers

SERVER_CONNECTIONS = 3


@pytest.fixture
async def pooled(servers: Servers, database_for: Callable[[str], DomainDatabase]) -> AsyncIterator[Database]:
    (port,) = free_ports(1)
    home = servers.directory / "pgbouncer"
    pooler = PoolerServer(
        home, port, servers.postgres.url, SERVER_CONNECTIONS, servers.directory / "pgbouncer.log", tied=True
    )
    pooler.start()
    url = pooler.address_of(database_for("orders").url)
    database = Database(url, application_name="pooled", pool_size=20, pooler=True)
    yield database
    await database.close()
    pooler.stop()


async def test_many_units_of_work_share_few_server_connections(pooled: Database) -> None:
    async def work(number: int) -> int:
        async with pooled.unit_of_work(Scope.ALL) as uow:
            await uow.session.execute(
                text("INSERT INTO inbox (consumer, event_id, event_name) VALUES ('pooled', :id, :name)"),
                {"id": uuid4(), "name": f"order.{number}"},
            )
            pid = await uow.session.scalar(text("SELECT pg_backend_pid()"))
            return int(pid or 0)

    backends = await asyncio.gather(*(work(number) for number in range(200)))

    assert len(set(backends)) <= SERVER_CONNECTIONS
    async with pooled.read(Scope.ALL) as session:
        assert await session.scalar(text("SELECT count(*) FROM inbox WHERE consumer = 'pooled'")) == 200


async def test_the_scope_of_one_transaction_is_not_seen_by_the_next_on_its_connection(pooled: Database) -> None:
    async def seen(seller: UUID | None) -> str | None:
        scope = Scope.of_seller(seller) if seller else Scope.PUBLIC
        async with pooled.read(scope) as session:
            await asyncio.sleep(0)
            value: str | None = await session.scalar(text("SELECT NULLIF(current_setting('app.seller_id', true), '')"))
            return value

    sellers = [uuid4() if number % 2 else None for number in range(100)]
    answers = await asyncio.gather(*(seen(seller) for seller in sellers))

    assert answers == [str(seller) if seller else None for seller in sellers]

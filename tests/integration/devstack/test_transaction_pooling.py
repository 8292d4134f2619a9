"""Production puts pgBouncer in transaction mode before Postgres: units of work and their scopes survive it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from shared.db.database import Database
from shared.db.scope import Scope
from shared.testing.servers import POOL_SIZE, DomainDatabase

pytestmark = pytest.mark.pooled


@pytest.fixture
async def pooled(database_for: Callable[[str], DomainDatabase]) -> AsyncIterator[Database]:
    assert database_for("orders").pooled
    database = database_for("orders").open("pooled", pool_size=20)
    yield database
    await database.close()


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

    assert len(set(backends)) <= POOL_SIZE
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


async def test_no_prepared_statement_stays_on_a_server_connection(pooled: Database) -> None:
    """Another process would be handed that connection, and would prepare its own statements under the same names."""

    async def work(number: int) -> list[str]:
        async with pooled.unit_of_work(Scope.ALL) as uow:
            await uow.session.scalar(text("SELECT count(*) FROM inbox WHERE consumer = :name"), {"name": str(number)})
            found = await uow.session.scalars(text("SELECT name FROM pg_prepared_statements"))
            return list(found.all())

    left = await asyncio.gather(*(work(number) for number in range(60)))

    assert left == [[]] * 60


async def test_a_service_is_known_to_postgres_by_its_name(pooled: Database) -> None:
    async with pooled.read(Scope.ALL) as session:
        name = await session.scalar(
            text("SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid() AND usename = 'orders'")
        )

    assert name == "pooled"

"""What Prometheus is told of connections: of a pool by itself, of a role by Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from time import perf_counter

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from shared.db.activity import measure_connections
from shared.db.database import Database
from shared.testing.servers import DomainDatabase


@pytest.fixture
async def reviews(database_for: Callable[[str], DomainDatabase]) -> AsyncIterator[Database]:
    database = database_for("reviews").open("reviews", pool_size=2)
    yield database
    await database.close()


def pool(state: str) -> float | None:
    labels = {"domain": "reviews", "pool": "primary", "state": state}
    return REGISTRY.get_sample_value("db_pool_connections", labels)


def waits(what: str) -> float:
    labels = {"domain": "reviews", "pool": "primary"}
    return REGISTRY.get_sample_value(f"db_pool_wait_seconds_{what}", labels) or 0.0


async def test_a_pool_tells_its_size_what_is_in_use_and_how_long_callers_wait(reviews: Database) -> None:
    # given a pool of two of which nothing is open yet
    assert REGISTRY.get_sample_value("db_pool_size", {"domain": "reviews", "pool": "primary"}) == 2
    assert [pool(state) for state in ("in_use", "idle", "overflow")] == [0, 0, 0]
    count = waits("count")
    # when two callers hold its connections, and a third waits for one
    async with reviews.read() as first, reviews.read() as second:
        await first.execute(text("SELECT 1"))
        await second.execute(text("SELECT 1"))
        assert [pool(state) for state in ("in_use", "idle", "overflow")] == [2, 0, 0]
        third = asyncio.create_task(reviews.ping())
        for _ in range(20):
            await asyncio.sleep(0)
        assert (third.done(), waits("count")) == (False, count + 2)
        waited, began = waits("sum"), perf_counter()
        await first.execute(text("SELECT 1"))
        held = perf_counter() - began
    await third
    # then the third has waited as long as both were held
    assert waits("count") == count + 3
    assert waits("sum") - waited >= held
    assert [pool(state) for state in ("in_use", "idle", "overflow")] == [0, 2, 0]


async def test_the_connections_of_a_role_are_counted_by_state_with_no_right_beyond_its_own(reviews: Database) -> None:
    # given one connection in a transaction, while another one counts
    async with reviews.read() as session:
        await session.execute(text("SELECT 1"))
        await measure_connections(reviews, "reviews")
    # then both show, and the server's limit
    states = {
        state: REGISTRY.get_sample_value("db_role_connections", {"domain": "reviews", "state": state})
        for state in ("active", "idle", "idle_in_transaction", "other")
    }
    assert states == {"active": 1, "idle": 0, "idle_in_transaction": 1, "other": 0}
    assert (REGISTRY.get_sample_value("db_server_connection_limit", {"domain": "reviews"}) or 0) > 1

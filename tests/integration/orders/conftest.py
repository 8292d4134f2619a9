"""The market that every test module of orders plays in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from shared.testing.servers import DomainDatabase
from shared.testing.subgraph import subgraph_under_test
from tests.integration.orders.market import Market


@pytest.fixture(scope="module")
async def market(database_for: Callable[[str], DomainDatabase], redis_url: str) -> AsyncIterator[Market]:
    async with subgraph_under_test("orders", database_for("orders"), redis_url, postgres_pool_size=10) as orders:
        yield Market(orders)

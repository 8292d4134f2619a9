"""Inventory over a database of the module's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from shared.testing.servers import DomainDatabase
from shared.testing.subgraph import SubgraphUnderTest, subgraph_under_test


@pytest.fixture(scope="module")
async def inventory(database_for: Callable[[str], DomainDatabase], redis_url: str) -> AsyncIterator[SubgraphUnderTest]:
    async with subgraph_under_test("inventory", database_for("inventory"), redis_url) as subgraph:
        yield subgraph

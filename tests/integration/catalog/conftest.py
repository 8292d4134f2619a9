"""The catalogue under test, one a module."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from shared.testing.servers import DomainDatabase
from shared.testing.subgraph import SubgraphUnderTest, subgraph_under_test


@pytest.fixture(scope="module")
async def catalog(database_for: Callable[[str], DomainDatabase], redis_url: str) -> AsyncIterator[SubgraphUnderTest]:
    async with subgraph_under_test("catalog", database_for("catalog"), redis_url) as subgraph:
        yield subgraph

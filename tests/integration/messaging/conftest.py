"""The delivery tests' own marketplace, emptied before each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from shared.testing.servers import Broker, MarketplaceDatabase
from tests.integration.messaging.flow import Flow, open_flow


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def open_module_flow(database: MarketplaceDatabase, broker: Broker) -> AsyncIterator[Flow]:
    async with open_flow(database, broker) as flow:
        yield flow


@pytest_asyncio.fixture(loop_scope="session")
async def flow(open_module_flow: Flow) -> Flow:
    await open_module_flow.clean()
    return open_module_flow

"""Processes of services over a virtual host with the marketplace's topology."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.messaging.topology import declare_topology
from shared.register import load_register
from shared.testing.servers import Broker, MarketplaceDatabase
from tests.fixtures.processes import Services


@pytest.fixture(scope="module")
async def services(
    database: MarketplaceDatabase, broker: Broker, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Services]:
    declare_topology(
        load_register(),
        amqp_url=broker.amqp_url,
        management_url=broker.management_url,
        passwords=broker.passwords.rabbitmq,
    )
    running = Services(database, broker, redis_url, tmp_path_factory.mktemp("services"))
    yield running
    running.stop()

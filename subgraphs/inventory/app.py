"""Composition root of inventory."""

from __future__ import annotations

from functools import partial

from shared.runtime.subgraph import Resources, Subgraph
from subgraphs.inventory.consumers import consumers
from subgraphs.inventory.graphql.context import InventoryContext
from subgraphs.inventory.graphql.schema import schema
from subgraphs.inventory.jobs import jobs
from subgraphs.inventory.service.reservations import ReservationService
from subgraphs.inventory.service.stock import StockService
from subgraphs.inventory.settings import InventorySettings

SETTINGS = InventorySettings


def build(resources: Resources[InventorySettings]) -> Subgraph:
    reservations = ReservationService(resources.outbox, resources.clock, resources.notes)
    stock = StockService(resources.outbox, resources.clock, resources.notes)
    context = partial(
        InventoryContext,
        database=resources.database,
        writes=resources.writes,
        service=stock,
        hub=resources.hub,
    )
    return Subgraph(
        schema=schema,
        context=context,
        consumers=consumers(reservations),
        jobs=jobs(resources.database, resources.clock),
    )

"""One request's view of inventory: its service and its loaders."""

from __future__ import annotations

from strawberry.types import Info as StrawberryInfo

from shared.auth.actor import Actor
from shared.db.database import Database
from shared.db.scope import Scope
from shared.graphql.context import RequestContext
from shared.graphql.loaders import batch_loader
from shared.graphql.writes import Writes
from shared.messaging.live import LiveHub
from subgraphs.inventory import repository
from subgraphs.inventory.service.stock import StockService


class InventoryContext(RequestContext):
    def __init__(self, actor: Actor, database: Database, writes: Writes, service: StockService, hub: LiveHub) -> None:
        super().__init__(actor, database, writes)
        self.service = service
        self.hub = hub
        self.availability_by_variant = batch_loader(self, repository.availability_by_variant)
        self.availability_by_product = batch_loader(self, repository.availability_by_product)
        self.shelved_by_variant = batch_loader(self, repository.shelved_by_variant, Scope.ALL)
        """For those with the scope: their own row-level scope has nothing of any seller's stock."""
        self.location_by_id = batch_loader(self, repository.locations_by_id)
        self.item_by_place = batch_loader(self, repository.items_by_place)


Info = StrawberryInfo[InventoryContext, None]

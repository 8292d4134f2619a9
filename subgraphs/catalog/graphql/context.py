"""One request's view of catalog: its service and its loaders."""

from __future__ import annotations

from uuid import UUID

from aiodataloader import DataLoader
from strawberry.types import Info as StrawberryInfo

from shared.auth.actor import Actor
from shared.db.database import Database
from shared.graphql.context import RequestContext
from shared.graphql.loaders import MAX_BATCH, batch_loader, page_loader
from shared.graphql.writes import Writes
from subgraphs.catalog.adapters.product_cache import ProductCache
from subgraphs.catalog.domain.product import Product
from subgraphs.catalog.repository import categories, products
from subgraphs.catalog.service import CatalogService


class CatalogContext(RequestContext):
    """`viewer` is the actor as far as rows are concerned."""

    def __init__(
        self, actor: Actor, database: Database, writes: Writes, service: CatalogService, cache: ProductCache
    ) -> None:
        super().__init__(actor, database, writes)
        self.service = service
        # No row here belongs to a user: without a user id in its scope, a buyer's read needs no statement for settings.
        self.viewer = Actor(roles=actor.roles, seller_id=actor.seller_id)
        reads = RequestContext(self.viewer, database, writes)
        self.product_by_id = _cached_products(reads, cache)
        # A mutation answers with what it has just written, whatever the cache says.
        self.written_product_by_id = batch_loader(reads, products.products_by_id)
        self.variant_by_id = batch_loader(reads, products.variants_by_id)
        self.variants_by_product = batch_loader(reads, products.variants_by_product)
        self.products_by_seller = page_loader(reads, products.product_pages_by_seller)
        self.products_by_category = page_loader(reads, products.product_pages_by_category)
        self.product_count_by_seller = batch_loader(reads, products.product_counts_by_seller)
        self.product_count_by_category = batch_loader(reads, products.product_counts_by_category)
        self.category_by_id = batch_loader(reads, categories.categories_by_id)
        self.categories_by_parent = page_loader(reads, categories.category_pages_by_parent)
        self.category_count_by_parent = batch_loader(reads, categories.category_counts_by_parent)


def _cached_products(context: RequestContext, cache: ProductCache) -> DataLoader[UUID, Product | None]:
    """Products by id: the public ones from Redis where they lie there, all others as the actor may see them."""

    async def load_batch(keys: list[UUID]) -> list[Product | None]:
        cached = await cache.find_all(keys)
        found = cached.products
        missing = [key for key in keys if key not in found]
        if missing:
            async with context.database.read(context.actor.scope()) as session:
                read = await products.products_by_id(session, missing)
            await cache.put(read.values(), cached.moment)
            found |= read
        return [found.get(key) for key in keys]

    return DataLoader(load_batch, max_batch_size=MAX_BATCH)


Info = StrawberryInfo[CatalogContext, None]

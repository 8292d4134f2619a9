"""Composition root of catalog."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from shared.cache.tagged_cache import TaggedCache
from shared.runtime.subgraph import Resources, Subgraph
from subgraphs.catalog.adapters.product_cache import PREFIX, ProductCache
from subgraphs.catalog.consumers import consumers
from subgraphs.catalog.graphql.context import CatalogContext
from subgraphs.catalog.graphql.schema import schema
from subgraphs.catalog.projections import Projections
from subgraphs.catalog.service import CatalogService
from subgraphs.catalog.settings import CatalogSettings

SETTINGS = CatalogSettings


def build(resources: Resources[CatalogSettings]) -> Subgraph:
    settings = resources.settings
    cache = ProductCache(TaggedCache(resources.redis, PREFIX), timedelta(seconds=settings.product_cache_seconds))
    service = CatalogService(resources.outbox, resources.clock, cache, moderation=settings.catalog_moderation)
    context = partial(
        CatalogContext, database=resources.database, writes=resources.writes, service=service, cache=cache
    )
    return Subgraph(schema=schema, context=context, consumers=consumers(Projections(cache)))

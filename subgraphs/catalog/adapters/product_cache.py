"""Public products in Redis, under `product:<id>`. A copy for speed: it may be empty or away, and holds no draft ever."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from shared.cache.redis_cache import RedisCache
from subgraphs.catalog.domain.attributes import Attribute, AttributeType, Medium
from subgraphs.catalog.domain.product import Product, ProductStatus

log = logging.getLogger(__name__)
_FIELDS = tuple(field.name for field in fields(Product))


class ProductCache:
    """What was read may be as old as the cache's time to live where a writer's drop and a reader's put cross."""

    def __init__(self, cache: RedisCache) -> None:
        self._cache = cache

    async def find_all(self, ids: Sequence[UUID]) -> dict[UUID, Product]:
        """Those that are there. They belong to no session: they are for reading only."""
        values = await self._cache.find_all([str(product_id) for product_id in ids])
        products = [_decode(value) for value in values if value is not None]
        return {product.id: product for product in products if product}

    async def put(self, products: Iterable[Product]) -> None:
        """Keep what anybody may see; whatever else is among them is left out."""
        await self._cache.put_all({str(product.id): _encode(product) for product in products if product.is_public})

    def dropping(self, *ids: UUID) -> Callable[[], Awaitable[None]]:
        """To be run after the commit that changed them."""

        async def drop() -> None:
            await self._cache.drop(*[str(product_id) for product_id in ids])

        return drop


def _encode(product: Product) -> bytes:
    # asyncpg's UUID is a subclass, which orjson leaves to `default`.
    return orjson.dumps({name: getattr(product, name) for name in _FIELDS}, default=str)


def _decode(value: bytes) -> Product | None:
    """None for what another release of this service wrote in another shape."""
    try:
        return _product(orjson.loads(value))
    except (KeyError, TypeError, ValueError) as error:
        log.warning("cached product unreadable", extra={"error": repr(error)})
        return None


def _product(document: dict[str, Any]) -> Product:
    moments = ("created_at", "published_at")
    return Product(
        **document
        | {name: UUID(document[name]) for name in ("id", "seller_id", "category_id") if document[name]}
        | {name: datetime.fromisoformat(document[name]) for name in moments if document[name]}
        | {
            "status": ProductStatus(document["status"]),
            "attributes": tuple(
                Attribute(a["name"], AttributeType(a["type"]), a["value"]) for a in document["attributes"]
            ),
            "media": tuple(Medium(m["url"], m["alt"]) for m in document["media"]),
        }
    )

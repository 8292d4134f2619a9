"""Public products in Redis, under `product:<id>`. A copy for speed: it may be empty or away, and holds no draft ever."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from redis.exceptions import RedisError

from shared.cache.entries import Entry, tag
from shared.cache.tagged_cache import TaggedCache
from shared.telemetry.metrics import CACHE_REQUESTS
from subgraphs.catalog.domain.attributes import Attribute, AttributeType, Medium
from subgraphs.catalog.domain.product import Product, ProductStatus

log = logging.getLogger(__name__)

PREFIX = "product"
_FIELDS = tuple(field.name for field in fields(Product))


@dataclass(frozen=True, slots=True)
class Cached:
    """Those that are there: they belong to no session and are for reading only. `moment` is the lease under which the
    others may be put, once they are read; None where Redis is away."""

    products: dict[UUID, Product]
    moment: int | None


class ProductCache:
    """What was read before a change is never found after its drop, however late it is put: see TaggedCache."""

    def __init__(self, cache: TaggedCache, ttl: timedelta) -> None:
        self._cache = cache
        self._ttl = ttl

    async def find_all(self, ids: Sequence[UUID]) -> Cached:
        """Look before reading the table: the lease has to be older than what is read."""
        try:
            look = await self._cache.look([str(product_id) for product_id in ids])
        except (RedisError, OSError) as error:
            log.warning("product cache read failed", extra={"error": error})
            CACHE_REQUESTS.labels(PREFIX, "error").inc(len(ids))
            return Cached({}, None)
        hits = [found for found in look.found if found is not None]
        CACHE_REQUESTS.labels(PREFIX, "hit").inc(len(hits))
        CACHE_REQUESTS.labels(PREFIX, "miss").inc(len(ids) - len(hits))
        products = [_decode(found.content) for found in hits]
        return Cached({product.id: product for product in products if product}, look.moment)

    async def put(self, products: Iterable[Product], moment: int | None) -> None:
        """Keep what anybody may see; whatever else is among them is left out."""
        public = {str(product.id): self._entry(product) for product in products if product.is_public}
        if moment is None or not public:
            return
        try:
            await self._cache.write(public, moment)
        except (RedisError, OSError) as error:
            log.warning("product cache write failed", extra={"error": error})

    def dropping(self, *ids: UUID) -> Callable[[], Awaitable[None]]:
        """To be run after the commit that changed them."""

        async def drop() -> None:
            try:
                await self._cache.evict([_tag(product_id) for product_id in ids])
            except (RedisError, OSError) as error:
                log.warning("product cache drop failed", extra={"error": error})

        return drop

    def _entry(self, product: Product) -> Entry:
        return Entry(_encode(product), frozenset({_tag(product.id)}), self._ttl)


def _tag(product_id: UUID) -> str:
    return tag("Product", str(product_id))


def _encode(product: Product) -> bytes:
    # asyncpg's UUID is a subclass, which orjson leaves to `default`.
    return orjson.dumps({name: getattr(product, name) for name in _FIELDS}, default=str)


def _decode(value: bytes) -> Product | None:
    """None for what another release of this service wrote in another shape."""
    try:
        return _product(orjson.loads(value))
    except (KeyError, TypeError, ValueError) as error:
        log.warning("cached product unreadable", extra={"error": error})
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

"""What catalog reads from its environment."""

from __future__ import annotations

from shared.settings import ServiceSettings


class CatalogSettings(ServiceSettings):
    catalog_moderation: bool = False
    """Whether only staff publishes what sellers submit; else an approved seller publishes itself."""
    product_cache_seconds: int = 60
    """How long a product may be read from Redis: the longest that a reader can see what was changed."""

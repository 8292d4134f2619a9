"""The section `cache` of the settings."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field


class SubgraphCacheConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True


class CacheConfig(BaseModel):
    """Off without a `url` of Redis. `timeout` and `pause` are seconds: how long a look may take, and for how long Redis is
    left alone after a failure. `ignored_headers` are forwarded ones that change no public answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str | None = None
    timeout: float = Field(default=0.05, gt=0)
    pause: float = Field(default=5.0, ge=0)
    connections: int = Field(default=16, ge=1)
    max_entry_bytes: int = Field(default=128 * 1024, ge=1)
    max_tags: int = Field(default=500, ge=1, le=5000)
    max_keys: int = Field(default=1000, ge=1)
    writes_queued: int = Field(default=100, ge=1)
    ignored_headers: frozenset[str] = frozenset()
    subgraphs: Mapping[str, SubgraphCacheConfig] = Field(default_factory=dict)

    def caches(self, subgraph: str) -> bool:
        own = self.subgraphs.get(subgraph)
        return own is None or own.enabled

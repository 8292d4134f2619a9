"""What can be set about persisted operations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from gateway.persisted.policy import Mode


class AutomaticConfig(BaseModel):
    """Operations that first-party clients have kept by their hash, in Redis: for `ttl` seconds, up to `max_bytes` each.

    `kept_here` bounds those that this process keeps beside it. Redis that does not answer within `timeout` seconds is left
    alone for `pause`; meanwhile what is not kept here is not found, and clients send texts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    redis_url: str
    ttl: int = Field(default=86_400, ge=1)
    max_bytes: int = Field(default=16_384, ge=1)
    kept_here: int = Field(default=1000, ge=0)
    timeout: float = Field(default=0.25, gt=0)
    pause: float = Field(default=1.0, ge=0)


class PersistedConfig(BaseModel):
    """`directory` holds `<client>.json` for each client; those of `clients` are first-party, the others are partners'.

    `first_party` holds for everybody without an API key, `partners` for those with one. `require_id` refuses texts, also
    listed ones, wherever only what is listed may run. `max_age` allows shared caches to keep a query's answer to a visitor's
    GET for so many seconds, by the operation's name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    directory: Path
    clients: frozenset[str] = frozenset()
    first_party: Mode = Mode.ANY
    partners: Mode = Mode.LISTED
    require_id: bool = False
    automatic: AutomaticConfig | None = None
    max_age: Mapping[str, int] = Field(default_factory=dict)
    interval: float = Field(default=1.0, gt=0, description="Seconds between two looks at the directory")

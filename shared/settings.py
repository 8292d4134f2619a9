"""What a service reads from its environment. One frozen model; a missing or malformed value stops the process at start."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.clock import Clock, MovableClock, system_clock


class ServiceSettings(BaseSettings):
    """Settings that every subgraph process shares; a domain's own settings extend them."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    environment: Literal["development", "production"] = "development"
    log_level: str = "INFO"
    host: str = "127.0.0.1"
    port: int = 0
    operations_port: int = 0
    postgres_url: str
    postgres_pooler: bool = False
    """Set behind a transaction pooler such as pgBouncer: prepared statements are then not kept."""
    postgres_pool_size: int = 5
    postgres_replica_url: str | None = None
    """A streaming replica of that Postgres, for the same login: reports and lists of staff are read there."""
    postgres_replica_staleness: float = Field(default=5.0, gt=0)
    """Seconds that the replica may be behind; beyond them the primary is asked."""
    redis_url: str
    rabbitmq_url: str
    gateway_jwks_file: Path
    """Public keys of the gateway (RFC 7517): they verify its internal tokens."""
    sealing_public_key_file: Path | None = None
    """Whoever puts a secret or an address into an event seals it for the holder of the private key."""
    otel_exporter_otlp_endpoint: str | None = None
    max_streams: int = 1000
    """Subscriptions that one process keeps open; more are refused."""
    clock_offset_seconds: float = 0

    def clock(self) -> Clock:
        if not self.clock_offset_seconds:
            return system_clock
        return MovableClock(timedelta(seconds=self.clock_offset_seconds))

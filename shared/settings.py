"""What a service reads from its environment. One frozen model; a missing or malformed value stops the process at start."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.addresses import unsafe_addresses
from shared.clock import Clock, MovableClock, system_clock
from shared.tls import TlsFiles

_STORES = ("postgres", "redis", "rabbitmq")


class ProcessSettings(BaseSettings):
    """What every process of the marketplace has: where it listens, and that production encrypts."""

    # What a setting holds may be a password, and the refusal of a setting is printed.
    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    environment: Literal["development", "production"] = "development"
    plaintext_allowed: bool = False
    """For a production whose network encrypts by itself (a mesh): else each address must be verified TLS."""
    log_level: str = "INFO"
    host: str = "127.0.0.1"
    operations_port: int = 0
    shutdown_delay: float = Field(default=0.0, ge=0, le=120)
    """Seconds between "not ready" and closing the port, in which balancers learn and clients are told to ask elsewhere."""
    tls_certificate_file: Path | None = None
    """PEM; with its key the process serves HTTPS on all its ports. Renewed files are taken in while it runs."""
    tls_key_file: Path | None = None
    tls_client_authorities_file: Path | None = None
    """Only clients with a certificate of these reach the API port; probes and scrapes need none."""
    redis_url: str
    rabbitmq_url: str
    otel_exporter_otlp_endpoint: str | None = None
    """Base URL of a collector (OTLP over HTTP); without it no trace is recorded."""
    otel_traces_sampler_arg: float = Field(default=1.0, ge=0, le=1)
    """The share of the traces that begin in this process which is recorded; what comes with a trace follows that one."""

    @property
    def tls(self) -> dict[int, TlsFiles]:
        """By port what it is served with; empty where the process speaks plain HTTP."""
        # Whoever probes or scrapes shows no certificate of its own.
        own = TlsFiles(self.tls_certificate_file, self.tls_key_file)
        return {self.operations_port: own} if self.tls_key_file else {}

    @property
    def addresses(self) -> dict[str, str]:
        """The stores and the broker that this process talks to, by setting."""
        named = (name for name in type(self).model_fields if name.startswith(_STORES) and name.endswith("_url"))
        found = {name.upper(): getattr(self, name) for name in named}
        return {name: url for name, url in found.items() if url}

    @model_validator(mode="after")
    def _be_safe_in_production(self) -> Self:
        if (self.tls_certificate_file is None) != (self.tls_key_file is None):
            raise ValueError("TLS_CERTIFICATE_FILE and TLS_KEY_FILE go together")
        if self.tls_client_authorities_file is not None and self.tls_key_file is None:
            raise ValueError("TLS_CLIENT_AUTHORITIES_FILE needs TLS_CERTIFICATE_FILE and TLS_KEY_FILE")
        if self.environment == "production" and not self.plaintext_allowed:
            missing = [] if self.tls_certificate_file else ["TLS_CERTIFICATE_FILE"]
            unsafe = [*unsafe_addresses(self.addresses), *missing]
            if unsafe:
                raise ValueError(f"ENVIRONMENT=production needs verified TLS in {', '.join(unsafe)}")
        return self


class ServiceSettings(ProcessSettings):
    """Settings that every subgraph process shares; a domain's own settings extend them."""

    port: int = 0
    postgres_url: str
    postgres_pooler: bool = False
    """Set behind a transaction pooler such as pgBouncer: prepared statements are then not kept."""
    postgres_pool_size: int = 5
    postgres_replica_url: str | None = None
    """A streaming replica of that Postgres, for the same login: reports and lists of staff are read there."""
    postgres_replica_staleness: float = Field(default=5.0, gt=0)
    """Seconds that the replica may be behind; beyond them the primary is asked."""
    gateway_jwks_file: Path
    """Public keys of the gateway (RFC 7517): they verify its internal tokens."""
    sealing_public_key_file: Path | None = None
    """Whoever puts a secret or an address into an event seals it for the holder of the private key."""
    max_streams: int = 1000
    """Subscriptions that one process keeps open; more are refused."""
    clock_offset_seconds: float = 0

    @property
    def tls(self) -> dict[int, TlsFiles]:
        plain = super().tls
        own = plain.get(self.operations_port)
        return {self.port: replace(own, authorities=self.tls_client_authorities_file), **plain} if own else {}

    def clock(self) -> Clock:
        if not self.clock_offset_seconds:
            return system_clock
        return MovableClock(timedelta(seconds=self.clock_offset_seconds))

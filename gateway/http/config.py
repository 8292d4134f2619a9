"""How the gateway listens."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from shared.tls import TlsFiles


class CorsConfig(BaseModel):
    """Which browsers' pages may call. `*` allows every origin and is refused together with credentials."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    allow_origins: frozenset[str] = frozenset()
    allow_headers: tuple[str, ...] = (
        "authorization",
        "content-type",
        "x-correlation-id",
        "x-query-plan",
        "x-query-cost",
        "x-graphql-event-stream-token",
    )
    expose_headers: tuple[str, ...] = ("x-correlation-id", "retry-after")
    allow_credentials: bool = False
    max_age: int = Field(default=600, ge=0)

    def model_post_init(self, _context: object) -> None:
        if self.allow_credentials and "*" in self.allow_origins:
            raise ValueError("allow_credentials needs a list of origins, not *")


class CompressionConfig(BaseModel):
    """Answers of at least `minimum_bytes` in zstd or gzip (`level`) to clients that accept them, requests in gzip."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    responses: bool = True
    requests: bool = True
    minimum_bytes: int = Field(default=1024, ge=1)
    level: int = Field(default=4, ge=1, le=9)
    zstd_level: int = Field(default=3, ge=1, le=19, description="Above 19 it would take a window that browsers refuse")


class HttpConfig(BaseModel):
    """`uds` is a socket's path and goes over host and port; the two files of `tls_…` are PEM, and only together.

    `trusted_proxies` is how many proxies in front append to X-Forwarded-For; 0 believes the connection alone.

    `max_in_flight` bounds the requests that are answered at the same time; more are refused at once with status 503.
    `shutdown_delay` seconds pass between "not ready" and closing the door, `drain_timeout` seconds until the rest is cut off.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=4000, ge=0, le=65535)
    uds: str | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_key_password: str | None = None
    tls_client_authorities: Path | None = Field(default=None, description="Only clients with a certificate of these")
    keep_alive: float = Field(default=65.0, gt=0, description="Seconds that an idle connection is kept")
    body_timeout: float = Field(default=30.0, gt=0, description="Seconds in which a request's body must arrive")
    unread_timeout: float = Field(
        default=30.0,
        gt=0,
        description="Seconds after which a connection is cut whose client reads nothing of what waits for it",
    )
    path: str = "/graphql"
    metrics_path: str | None = "/metrics"
    cors: CorsConfig = CorsConfig()
    compression: CompressionConfig = CompressionConfig()
    batch_operations: int = Field(default=0, ge=0, description="Most operations of one request; 0: no batches")
    cross_site_protection: bool = True
    trusted_proxies: int = Field(default=0, ge=0)
    max_in_flight: int = Field(default=1000, ge=1)
    shutdown_delay: float = Field(default=0.0, ge=0)
    drain_timeout: float = Field(default=20.0, gt=0)

    @property
    def tls(self) -> TlsFiles:
        return TlsFiles(self.tls_certificate, self.tls_key, self.tls_key_password, self.tls_client_authorities)

    def model_post_init(self, _context: object) -> None:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together")
        if self.tls_client_authorities is not None and self.tls_key is None:
            raise ValueError("tls_client_authorities needs tls_certificate and tls_key")

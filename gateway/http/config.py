"""How the gateway listens."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class CorsConfig(BaseModel):
    """Which browsers' pages may call. `*` allows every origin and is refused together with credentials."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    allow_origins: frozenset[str] = frozenset()
    allow_headers: tuple[str, ...] = ("authorization", "content-type", "x-correlation-id")
    allow_credentials: bool = False
    max_age: int = Field(default=600, ge=0)

    def model_post_init(self, _context: object) -> None:
        if self.allow_credentials and "*" in self.allow_origins:
            raise ValueError("allow_credentials needs a list of origins, not *")


class HttpConfig(BaseModel):
    """`trusted_proxies` is how many proxies in front append to X-Forwarded-For; 0 believes the connection alone.

    `max_in_flight` bounds the requests that are answered at the same time; more are refused at once with status 503.
    `shutdown_delay` seconds pass between "not ready" and closing the door, `drain_timeout` seconds until the rest is cut off.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=4000, ge=0, le=65535)
    path: str = "/graphql"
    metrics_path: str | None = "/metrics"
    cors: CorsConfig = CorsConfig()
    cross_site_protection: bool = True
    trusted_proxies: int = Field(default=0, ge=0)
    max_in_flight: int = Field(default=1000, ge=1)
    shutdown_delay: float = Field(default=0.0, ge=0)
    drain_timeout: float = Field(default=20.0, gt=0)

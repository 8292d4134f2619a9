"""CORS by allow-list."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.http.config import CorsConfig


def cors_headers(config: CorsConfig, headers: Mapping[str, str]) -> dict[str, str]:
    """What any response to this origin carries; nothing for an origin that is not listed."""
    origin = headers.get("origin")
    if origin is None or not config.allow_origins & {origin, "*"}:
        return {"vary": "Accept, Origin"}
    granted = {
        "vary": "Accept, Origin",
        "access-control-allow-origin": origin,
        "access-control-expose-headers": "x-correlation-id, retry-after",
    }
    if config.allow_credentials:
        granted["access-control-allow-credentials"] = "true"
    return granted


def preflight_headers(config: CorsConfig, headers: Mapping[str, str]) -> dict[str, str]:
    """The answer to an OPTIONS request."""
    granted = cors_headers(config, headers)
    if "access-control-allow-origin" in granted:
        granted["access-control-allow-methods"] = "GET, POST"
        granted["access-control-allow-headers"] = ", ".join(config.allow_headers)
        granted["access-control-max-age"] = str(config.max_age)
    return granted

"""CORS by allow-list."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.http.config import CorsConfig

_VARY = "Accept, Accept-Encoding, Origin"
_PREFLIGHT_VARY = f"{_VARY}, Access-Control-Request-Method, Access-Control-Request-Headers"


def cors_headers(config: CorsConfig, headers: Mapping[str, str]) -> dict[str, str]:
    """What any response to this origin carries; nothing for an origin that is not listed."""
    origin = headers.get("origin")
    if origin is None or not config.allow_origins & {origin, "*"}:
        return {"vary": _VARY}
    granted = {"vary": _VARY, "access-control-allow-origin": origin}
    if config.expose_headers:
        granted["access-control-expose-headers"] = ", ".join(config.expose_headers)
    if config.allow_credentials:
        granted["access-control-allow-credentials"] = "true"
    return granted


def preflight_headers(config: CorsConfig, headers: Mapping[str, str]) -> dict[str, str]:
    """The answer to an OPTIONS request: a preflight's, or which methods there are."""
    granted = {**cors_headers(config, headers), "allow": "GET, POST, OPTIONS", "vary": _PREFLIGHT_VARY}
    if "access-control-allow-origin" in granted and "access-control-request-method" in headers:
        granted["access-control-allow-methods"] = "GET, POST, PUT, DELETE"
        granted["access-control-allow-headers"] = ", ".join(config.allow_headers)
        granted["access-control-max-age"] = str(config.max_age)
    return granted

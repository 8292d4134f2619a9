"""Refuses what a browser sends on behalf of a foreign page.

Every current browser labels its requests with `Sec-Fetch-Site`; older ones send `Origin` with anything that is not a plain
navigation. A request with neither comes from no browser, and there is nothing to forge.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from gateway.errors import RequestRefused


def check_origin(headers: Mapping[str, str], allowed: frozenset[str]) -> None:
    """`headers` in lower case; `allowed` are the origins of the CORS allow-list. Raises RequestRefused, status 403."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is not None and (origin in allowed or "*" in allowed):
        return
    if site is not None:
        foreign = site not in {"same-origin", "none"}
    else:
        foreign = origin is not None and urlsplit(origin).netloc != headers.get("host")
    if foreign:
        raise RequestRefused("CROSS_SITE_REQUEST", "Requests from this origin are not allowed.", status=403)

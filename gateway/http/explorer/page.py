"""The explorer's one page: no script stands in it, and it forbids every other host."""

from __future__ import annotations

from html import escape
from typing import Any

import orjson

from gateway.http.explorer.assets import Assets
from gateway.http.explorer.config import ExplorerConfig, SignInConfig
from gateway.http.explorer.examples import Example

# The dialogs put a style element of their own into the page, which only the nonce of this very page allows.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page_headers(nonce: str) -> dict[str, str]:
    """What says to a browser that nothing but this host may be asked for anything."""
    return {
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-store",
        "content-security-policy": _POLICY.format(nonce=nonce),
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "cross-origin-opener-policy": "same-origin",
    }


def render_page(title: str, assets: Assets, settings: dict[str, Any], nonce: str) -> bytes:
    """The page. `settings` are what its scripts read: JSON, which a browser does not run."""
    data = orjson.dumps(settings).decode().replace("<", "\\u003c")
    base = assets.base
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{escape(title)}</title>
<link rel="icon" href="{base}web/icon.svg">
<link rel="stylesheet" href="{base}vendor/graphiql.css">
<link rel="stylesheet" href="{base}web/explorer.css">
<link rel="modulepreload" href="{base}vendor/vendor.js">
<script type="application/json" id="settings">{data}</script>
<script type="module" nonce="{nonce}" src="{base}web/explorer.js"></script>
</head>
<body>
<div id="explorer"><p class="opening">Opening the explorer …</p></div>
</body>
</html>
""".encode()


def page_settings(
    config: ExplorerConfig, examples: tuple[Example, ...], *, endpoint: str, plan: bool, subscriptions: bool
) -> dict[str, Any]:
    """What the page's scripts have to know."""
    return {
        "title": config.title,
        "endpoint": endpoint,
        "plan": plan,
        "subscriptions": subscriptions,
        "freshVariables": sorted(config.fresh_variables),
        "examples": examples,
        "signIn": _sign_in(config.sign_in) if config.sign_in else None,
    }


def _sign_in(config: SignInConfig) -> dict[str, Any]:
    logins = [{"name": login.name, "variables": dict(login.variables)} for login in config.logins]
    return {"document": config.document, "token": config.token.split("."), "logins": logins}

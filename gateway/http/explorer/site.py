"""Serves the explorer: its page at `/` and its files, and nothing else."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from starlette.types import Scope, Send

from gateway.http.compression import accepts_gzip
from gateway.http.explorer.assets import PREFIX, Asset, read_assets
from gateway.http.explorer.config import ExplorerConfig
from gateway.http.explorer.examples import read_examples
from gateway.http.explorer.page import page_headers, page_settings, render_page
from gateway.http.response import send_bytes

_TEXT = {"content-type": "text/plain; charset=utf-8"}
_READING = ("GET", "HEAD")


class Explorer:
    """`endpoint` is the path where GraphQL is spoken. `plan` says that plans may be shown. Raises OSError or ValueError."""

    def __init__(self, config: ExplorerConfig, *, endpoint: str, plan: bool, subscriptions: bool) -> None:
        examples = read_examples(config.examples) if config.examples else ()
        self._title = config.title
        self._assets = read_assets()
        self._settings = page_settings(config, examples, endpoint=endpoint, plan=plan, subscriptions=subscriptions)

    def serves(self, path: str) -> bool:
        return path == "/" or path.startswith(PREFIX)

    async def send(self, scope: Scope, headers: Mapping[str, str], send: Send) -> None:
        """Answer a request for a path that it serves."""
        if scope["method"] not in _READING:
            await send_bytes(send, 405, b"method not allowed\n", _TEXT | {"allow": ", ".join(_READING)})
        elif scope["path"] == "/":
            nonce = secrets.token_urlsafe(16)
            page = render_page(self._title, self._assets, self._settings, nonce)
            await send_bytes(send, 200, page, page_headers(nonce))
        elif (asset := self._assets.by_path.get(scope["path"])) is None:
            await send_bytes(send, 404, b"not found\n", _TEXT)
        else:
            await _send_asset(asset, headers, send)


async def _send_asset(asset: Asset, headers: Mapping[str, str], send: Send) -> None:
    sent = {
        "content-type": asset.content_type,
        "cache-control": "public, max-age=31536000, immutable",
        "vary": "accept-encoding",
        "x-content-type-options": "nosniff",
    }
    if accepts_gzip(headers.get("accept-encoding")):
        await send_bytes(send, 200, asset.gzipped, {**sent, "content-encoding": "gzip"})
    else:
        await send_bytes(send, 200, asset.body, sent)

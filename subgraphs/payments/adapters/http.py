"""One HTTP call to a provider, bounded in time; anything that leaves its effect unknown becomes ProviderUnavailable."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any

import httpx
from opentelemetry.trace import SpanKind

from shared.telemetry import span_names as names
from shared.telemetry.spans import below, tell
from subgraphs.payments.adapters.provider import CALL_SECONDS, ProviderUnavailable


class ProviderHttp:
    """A connection a call: calls are few, and a process needs nothing to close."""

    def __init__(self, base_url: str, *, headers: Mapping[str, str] | None = None, through_proxy: bool) -> None:
        self._base_url = base_url
        self._host = httpx.URL(base_url).host
        self._headers = dict(headers or {})
        self._through_proxy = through_proxy
        # Reading the system's certificates takes longer than a call: once is enough.
        self._tls = ssl.create_default_context()

    async def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Raises ProviderUnavailable where there is no answer, and for 409, 429 and 5xx: none of them says what happened."""
        headers = self._headers | request.pop("headers", {})
        # The path names charges, and what belongs to whom is not the provider's to know: neither goes with the trace.
        attributes = {names.HTTP_METHOD: method, names.SERVER_ADDRESS: self._host}
        with below(method, SpanKind.CLIENT, attributes):
            response = await self._answer(method, path, headers, request)
            tell({names.HTTP_STATUS: response.status_code})
        if response.status_code in {409, 429} or response.status_code >= 500:
            raise ProviderUnavailable(f"{method} {path}: status {response.status_code}")
        return response

    async def _answer(
        self, method: str, path: str, headers: Mapping[str, str], request: Mapping[str, Any]
    ) -> httpx.Response:
        try:
            async with (
                asyncio.timeout(CALL_SECONDS),
                httpx.AsyncClient(base_url=self._base_url, verify=self._tls, trust_env=self._through_proxy) as client,
            ):
                return await client.request(method, path, headers=headers, **request)
        except (httpx.HTTPError, TimeoutError) as error:
            raise ProviderUnavailable(f"{method} {path}: {error!r}") from error

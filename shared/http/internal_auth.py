"""ASGI middleware: nothing passes without the gateway's internal token, but for the paths named exempt."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.auth.internal_token import InternalTokenVerifier
from shared.errors import Unauthenticated
from shared.http.errors import error_response
from shared.telemetry.context import Correlation, bind, current_correlation


class InternalAuth:
    """Puts the verified Actor into `scope["actor"]` and binds the request's correlation."""

    def __init__(self, app: ASGIApp, *, verifier: InternalTokenVerifier, exempt: Collection[str] = ()) -> None:
        self._app = app
        self._verifier = verifier
        self._exempt = frozenset(exempt)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["path"] in self._exempt:
            # Anybody may call here: whose story it is and whether it is recorded is not theirs to say.
            with bind(Correlation(current_correlation().correlation_id)):
                await self._app(scope, receive, send)
            return
        try:
            scope["actor"] = self._verifier.verify(headers.get("authorization"))
        except Unauthenticated as refusal:
            await error_response(401, refusal.code, refusal.message)(scope, receive, send)
            return
        correlation = Correlation(
            correlation_id=headers.get("x-correlation-id") or current_correlation().correlation_id,
            traceparent=headers.get("traceparent"),
        )
        with bind(correlation):
            await self._app(scope, receive, send)

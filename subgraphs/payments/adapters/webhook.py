"""The provider's webhook: the one route of payments that carries a signature instead of the gateway's token."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared.http.errors import error_response
from subgraphs.payments.adapters.provider import Notice, PaymentProvider, UnsignedNotice

log = logging.getLogger(__name__)

PATH = "/webhooks/provider"
MAX_BODY = 64 * 1024
SIGNATURE_HEADERS = ("provider-signature", "stripe-signature")
Accept = Callable[[Notice], Awaitable[None]]


def webhook_route(provider: PaymentProvider, accept: Accept) -> Route:
    """200 once the notice is stored, effect included; the provider repeats whatever it does not get a 200 for."""

    async def receive(request: Request) -> Response:
        body = await _read(request)
        if body is None:
            return error_response(413, "REQUEST_TOO_LARGE", "A notice is at most 64 KB.")
        signature = next((request.headers[name] for name in SIGNATURE_HEADERS if name in request.headers), None)
        try:
            notice = provider.read_notice(body, signature)
        except UnsignedNotice as problem:
            log.warning("webhook refused", extra={"problem": str(problem)})
            return error_response(401, "BAD_SIGNATURE", "The signature does not fit.")
        except ValueError:
            return error_response(400, "BAD_REQUEST", "The body is no notice of the provider.")
        await accept(notice)
        return Response(status_code=200)

    return Route(PATH, receive, methods=["POST"])


async def _read(request: Request) -> bytes | None:
    """The raw body, which the signature covers; None as soon as it is too long."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return None
    return body

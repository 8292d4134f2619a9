"""What the gateway reads to know partners by their keys: ids, hashes, scopes and limits, never a key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.auth.actor import Actor, Kind
from shared.clock import format_timestamp
from shared.http.errors import error_response
from subgraphs.accounts.domain.api_clients import ActiveApiClient

API_CLIENTS_PATH = "/internal/api-clients"


def api_client_route(list_active: Callable[[], Awaitable[Sequence[ActiveApiClient]]]) -> Route:
    """`GET /internal/api-clients`, for the gateway speaking for itself: what it forwards for others is not enough."""

    async def register(request: Request) -> Response:
        actor: Actor = request.scope["actor"]
        if actor.kind is not Kind.GATEWAY:
            return error_response(403, "FORBIDDEN", "Only the gateway itself may read this.")
        clients = [_entry(active) for active in await list_active()]
        return JSONResponse({"clients": clients}, headers={"cache-control": "no-store"})

    return Route(API_CLIENTS_PATH, register, methods=["GET"])


def _entry(active: ActiveApiClient) -> dict[str, Any]:
    client = active.client
    return {
        "id": str(client.id),
        "name": client.name,
        "scopes": client.scopes,
        "limits": {
            "requests_per_minute": client.requests_per_minute,
            "operations_per_day": client.operations_per_day,
            "operations_per_month": client.operations_per_month,
        },
        "keys": [
            {
                "sha256": key.key_hash.hex(),
                "expires_at": format_timestamp(key.expires_at) if key.expires_at else None,
            }
            for key in active.keys
        ],
    }

"""From a GraphQL response to an HTTP response (GraphQL over HTTP, section 6)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import orjson
from starlette.types import Send

from gateway.http.negotiation import JSON
from gateway.pipeline.request import GraphQLResponse

Headers = Mapping[str, str]


async def send_bytes(
    send: Send, status: int, body: bytes, headers: Headers, more: Sequence[tuple[str, str]] = ()
) -> None:
    """Send one whole response. `more` may hold a name several times, each a line of its own."""
    lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (*headers.items(), *more)]
    lines.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


async def send_response(
    send: Send, response: GraphQLResponse, media_type: str, headers: Headers, *, known_tag: str | None = None
) -> None:
    """Send a GraphQL response as `media_type`. `known_tag` is the request's If-None-Match."""
    refusal = response.refusal
    extra = {"content-type": f"{media_type}; charset=utf-8", **_caching(response)}
    if refusal is not None and refusal.retry_after is not None:
        extra["retry-after"] = str(refusal.retry_after)
    if refusal is not None and refusal.status == 401:
        extra["www-authenticate"] = "Bearer"
    if refusal is not None and refusal.status == 405:
        extra["allow"] = "POST"
    body = orjson.dumps(response.payload)
    if response.max_age is not None:
        extra["cache-control"] = f"public, max-age={response.max_age}"
        extra["etag"] = tag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
        if known_tag is not None and tag in (given.strip() for given in known_tag.split(",")):
            # RFC 9110 section 15.4.5: what the client has is still the answer.
            await send_bytes(send, 304, b"", {**headers, **extra})
            return
    await send_bytes(send, _status(response, media_type), body, {**headers, **extra}, response.headers)


async def send_batch(send: Send, responses: Sequence[GraphQLResponse], media_type: str, headers: Headers) -> None:
    """Send the responses to a batch as one array. What became of each operation stands in its own response."""
    extra = {"content-type": f"{media_type}; charset=utf-8", "cache-control": "private, no-store"}
    body = orjson.dumps([response.payload for response in responses])
    more = [line for response in responses for line in response.headers]
    await send_bytes(send, 200, body, {**headers, **extra}, more)


def _caching(response: GraphQLResponse) -> dict[str, str]:
    """How long anybody may keep it (RFC 9111): `max-age` counts from when it was made, which was `age` seconds ago."""
    fresh = response.freshness
    if fresh is None:
        return {"cache-control": "private, no-store"}
    return {"cache-control": f"public, max-age={fresh.max_age}", "age": str(fresh.age)}


def _status(response: GraphQLResponse, media_type: str) -> int:
    if response.refusal is None:
        return 200
    # Clients of the old media type take any status but 200 for a failure of the transport and do not read the errors.
    return 200 if response.refusal.well_formed and media_type == JSON else response.refusal.status

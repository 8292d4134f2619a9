"""From a GraphQL response to an HTTP response (GraphQL over HTTP, section 6)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import orjson
from starlette.types import Send

from gateway.http.negotiation import JSON
from gateway.pipeline.request import GraphQLResponse

Headers = Mapping[str, str]

_NOT_MODIFIED = 304


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
    status, lines, body = render(response, media_type, headers, known_tag=known_tag)
    await send_bytes(send, status, body, lines, response.headers if status != _NOT_MODIFIED else ())


def render(
    response: GraphQLResponse, media_type: str, headers: Headers, *, known_tag: str | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer; the lines of subgraphs come on top."""
    refusal = response.refusal
    lines = {**headers, "content-type": f"{media_type}; charset=utf-8", **_caching(response)}
    if refusal is not None and refusal.retry_after is not None:
        lines["retry-after"] = str(refusal.retry_after)
    if refusal is not None and refusal.status == 401:
        lines["www-authenticate"] = "Bearer"
    if refusal is not None and refusal.status == 405:
        lines["allow"] = "POST"
    if refusal is not None and refusal.status == 408:
        # What may still come of the request would be taken for the next one.
        lines["connection"] = "close"
    body = orjson.dumps(response.payload)
    if response.max_age is not None:
        lines["cache-control"] = f"public, max-age={response.max_age}"
        lines["etag"] = tag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
        if known_tag is not None and tag in (given.strip() for given in known_tag.split(",")):
            # RFC 9110 section 15.4.5: what the client has is still the answer.
            return _NOT_MODIFIED, lines, b""
    return _status(response, media_type), lines, body


def head_of(status: int, headers: Headers, more: Sequence[tuple[str, str]] = ()) -> bytes:
    """The beginning of an HTTP/1.1 response, up to where further lines may follow."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in (*headers.items(), *more))
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{lines}".encode("latin-1")


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

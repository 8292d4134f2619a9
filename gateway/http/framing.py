"""How the responses of a subscription look on an HTTP stream: server-sent events, or the parts of a multipart body."""

from __future__ import annotations

from typing import Protocol

import orjson

from gateway.http.streaming import RESTARTS
from gateway.pipeline.request import GraphQLResponse

SSE = "text/event-stream"
MULTIPART = "multipart/mixed"


class Framing(Protocol):
    """`opening` is sent at once, `heartbeat` where nothing else was for a while. `name` is the transport's, in the metrics."""

    name: str
    content_type: str
    opening: bytes
    heartbeat: bytes

    def event(self, response: GraphQLResponse) -> bytes:
        """One response."""

    def closing(self, last: GraphQLResponse | None) -> bytes:
        """What follows `last`, the last response."""


class EventStreamFraming:
    """graphql-sse, distinct connections. Without `complete` a client comes back, which it should after a restart only."""

    name = "sse"
    content_type = SSE
    opening = b":\n\n"
    heartbeat = b":\n\n"

    def event(self, response: GraphQLResponse) -> bytes:
        return b"event: next\ndata: %b\n\n" % orjson.dumps(response.payload)

    def closing(self, last: GraphQLResponse | None) -> bytes:
        return b"" if last is not None and last.ended_by in RESTARTS else b"event: complete\ndata:\n\n"


class MultipartFraming:
    """Multipart HTTP for subscriptions as Apollo's clients read it (`subscriptionSpec=1.0`).

    A part counts as whole when the boundary after it is there, so each is sent with it.
    """

    name = "multipart"
    content_type = 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0"'
    opening = b"\r\n--graphql"
    heartbeat = b"\r\ncontent-type: application/json\r\n\r\n{}\r\n--graphql"

    def event(self, response: GraphQLResponse) -> bytes:
        # Errors beside the payload say that the subscription is over; those in it belong to one event.
        ended = response.ended_by is not None
        part = {"payload": None, **response.payload} if ended else {"payload": response.payload}
        return b"\r\ncontent-type: application/json\r\n\r\n%b\r\n--graphql" % orjson.dumps(part)

    def closing(self, last: GraphQLResponse | None) -> bytes:  # noqa: ARG002 - the protocol's signature
        return b"--\r\n"


def stream_framing(accept: str) -> Framing | None:
    """The first kind of stream that an Accept header names and that can carry a subscription."""
    if SSE not in accept and MULTIPART not in accept:
        return None
    for part in accept.lower().split(","):
        media_type, *parameters = (piece.strip() for piece in part.split(";"))
        if media_type == SSE:
            return EventStreamFraming()
        if media_type == MULTIPART and any(p.replace('"', "").startswith("subscriptionspec=1") for p in parameters):
            return MultipartFraming()
    return None

"""How the responses of a subscription, or the parts of one answer, look on an HTTP stream: server-sent events or multipart."""

from __future__ import annotations

from typing import Protocol

import orjson

from gateway.http.streaming import RESTARTS
from gateway.pipeline.request import GraphQLResponse, IncrementalFormat

SSE = "text/event-stream"
MULTIPART = "multipart/mixed"


class Framing(Protocol):
    """`opening` is sent at once, `heartbeat`, if there is one, where nothing else was for a while.

    `name` is the transport's, in the metrics.
    """

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


class IncrementalFraming:
    """The parts of one answer as those of a multipart body, in the format that the client has named (`told`).

    There is no heartbeat: every part counts.
    """

    name = "incremental"
    opening = b"\r\n--graphql"
    heartbeat = b""

    def __init__(self, told: str = "") -> None:
        self.content_type = f'multipart/mixed;boundary="graphql"{told}'

    def event(self, response: GraphQLResponse) -> bytes:
        # A client that takes nothing else gets a whole answer as one part.
        part = {"hasNext": False, **response.payload}
        return b"\r\ncontent-type: application/json\r\n\r\n%b\r\n--graphql" % orjson.dumps(part)

    def closing(self, last: GraphQLResponse | None) -> bytes:  # noqa: ARG002 - the protocol's signature
        return b"--\r\n"


def incremental_framing(accept: str) -> tuple[Framing, IncrementalFormat] | None:
    """The first way that an Accept header names to take an answer in parts, and the format of the parts."""
    if SSE not in accept and MULTIPART not in accept:
        return None
    for part in accept.lower().split(","):
        media_type, *given = (piece.strip() for piece in part.split(";"))
        parameters = dict(_parameter(text) for text in given)
        if media_type == SSE:
            return EventStreamFraming(), IncrementalFormat.CURRENT
        if media_type != MULTIPART or "subscriptionspec" in parameters:
            continue
        if parameters.get("deferspec") == "20220824":
            return IncrementalFraming(";deferSpec=20220824"), IncrementalFormat.OF_2022
        if parameters.get("incrementalspec") == "v0.2":
            return IncrementalFraming(";incrementalSpec=v0.2"), IncrementalFormat.CURRENT
        if parameters.keys().isdisjoint({"deferspec", "incrementalspec"}):
            return IncrementalFraming(), IncrementalFormat.CURRENT
    return None


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip(), value.strip(' "')


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

from __future__ import annotations

from typing import cast

from starlette.types import Message, Receive, Scope, Send

from shared.auth.actor import ANONYMOUS
from shared.auth.internal_token import InternalTokenVerifier
from shared.http.internal_auth import InternalAuth
from shared.telemetry.context import Correlation, current_correlation

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Verifier:
    """Lets everybody in."""

    def verify(self, _authorization: str | None) -> object:
        return ANONYMOUS


async def bound_at(path: str) -> Correlation:
    """What a request is bound to that names a story and asks to be recorded."""
    seen: list[Correlation] = []

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(current_correlation())

    async def never() -> Message:
        raise AssertionError

    async def nowhere(_message: Message) -> None:
        raise AssertionError

    headers = [(b"x-correlation-id", b"story"), (b"traceparent", TRACEPARENT.encode())]
    guarded = InternalAuth(app, verifier=cast("InternalTokenVerifier", Verifier()), exempt={"/webhook"})
    await guarded({"type": "http", "path": path, "headers": headers}, never, nowhere)
    return seen[0]


async def test_the_gateway_says_which_story_and_which_trace_a_request_belongs_to() -> None:
    assert await bound_at("/graphql") == Correlation("story", None, TRACEPARENT)


async def test_where_anybody_may_call_nobody_names_the_story_or_has_it_recorded() -> None:
    bound = await bound_at("/webhook")
    assert bound.correlation_id != "story"
    assert bound.traceparent is None

"""Who fills the cache: nobody in particular, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.cache.config import CacheConfig
from gateway.pipeline.caching import Caching
from gateway.pipeline.identify import ForwardingConfig, Identification, Identity
from gateway.security.authentication import AccessToken
from gateway.security.rate_limit import RateLimitConfig, RateLimiter


class Recorder:
    """A cache that has nothing, and remembers what it was asked and given."""

    config = CacheConfig(ignored_headers=frozenset({"accept-language"}))

    def __init__(self) -> None:
        self.kept: list[bytes] = []

    async def look(self, *_: Any, **__: Any) -> None:
        return None

    def keep(self, *given: Any, **_: Any) -> None:
        self.kept.append(given[1])

    async def run(self) -> None: ...

    async def close(self) -> None: ...


def session_of(identity: Identity, recorder: Recorder) -> Any:
    identification = Identification(ForwardingConfig(), RateLimiter(RateLimitConfig()))
    return Caching(recorder, identification).session({"accept-language": "de"}, identity, {})


@pytest.mark.parametrize(
    ("identity", "fills"),
    [
        (Identity(None, lambda _: b""), True),
        (Identity(AccessToken("t", {"sub": "u1"}), lambda _: b""), False),
        (Identity(None, lambda _: b"", partner="acme"), False),
        (Identity(AccessToken("t", {"sub": "acme"}, own=True), lambda _: b"", partner="acme"), False),
    ],
)
def test_only_a_visitor_fills_the_cache(identity: Identity, fills: bool) -> None:
    recorder = Recorder()

    session_of(identity, recorder).keep(None, b"answer")

    assert recorder.kept == ([b"answer"] if fills else [])


def test_headers_that_change_no_public_answer_are_no_part_of_a_key() -> None:
    identification = Identification(
        ForwardingConfig(headers=("accept-language", "x-region")), RateLimiter(RateLimitConfig())
    )
    recorder = Recorder()
    session = Caching(recorder, identification).session(
        {"accept-language": "de", "x-region": "north"}, Identity(None, lambda _: b""), {}
    )

    assert session._lines("catalog") == b"x-region: north\r\n"

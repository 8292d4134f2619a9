"""identify: who asks, how often, and what of the request travels on to the subgraphs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from gateway.executor.subgraph_client import header_lines
from gateway.security.authentication import AccessToken, Authenticator
from gateway.security.internal_token import InternalTokens
from gateway.security.rate_limit import RateLimiter

CORRELATION = "x-correlation-id"

_TRACING = (CORRELATION, "traceparent", "tracestate")


class ForwardingConfig(BaseModel):
    """Request headers that subgraphs get as they came, beside the correlation id and the trace context."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    headers: tuple[str, ...] = ("accept-language",)


@dataclass(frozen=True, slots=True)
class Identity:
    """`headers_for` gives the header lines for a subgraph by its name; `tracing` are lines that only name the request."""

    token: AccessToken | None
    headers_for: Callable[[str], bytes]
    tracing: bytes = b""


class Identification:
    """Each part is optional: without an authenticator nobody is signed in, without internal tokens none are sent."""

    def __init__(
        self,
        forwarding: ForwardingConfig,
        rate_limiter: RateLimiter,
        authenticator: Authenticator | None = None,
        internal_tokens: InternalTokens | None = None,
    ) -> None:
        names = dict.fromkeys(name.lower() for name in forwarding.headers)
        self._forwarded = tuple(name for name in names if name not in _TRACING)
        self._rate_limiter = rate_limiter
        self._authenticator = authenticator
        self._internal_tokens = internal_tokens

    async def identify(self, headers: Mapping[str, str], client: str) -> Identity:
        """Raises RequestRefused: 429 for too many requests, 401 for a bad token."""
        self._rate_limiter.admit_request(client)
        token = None
        if self._authenticator is not None:
            token = await self._authenticator.authenticate(headers.get("authorization"))
        shared = header_lines({name: headers[name] for name in self._forwarded if name in headers})
        tracing = header_lines({name: headers[name] for name in _TRACING if name in headers})
        internal_tokens = self._internal_tokens
        if internal_tokens is None:
            return Identity(token, lambda _subgraph: shared, tracing)
        return Identity(token, lambda subgraph: shared + internal_tokens.authorization(subgraph, token), tracing)

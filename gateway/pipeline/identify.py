"""identify: who asks, how often, and what of the request travels on to the subgraphs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from gateway.errors import RequestRefused
from gateway.executor.header_rules import HeaderRulesConfig, RequestHeaders
from gateway.executor.subgraph_client import header_lines
from gateway.security.api_clients import ApiClients
from gateway.security.authentication import AccessToken, Authenticator
from gateway.security.internal_token import InternalTokens
from gateway.security.rate_limit import RateLimiter

CORRELATION = "x-correlation-id"

_TRACEPARENT = "traceparent"
_TRACESTATE = "tracestate"
_TRACING = (CORRELATION, _TRACEPARENT, _TRACESTATE)


class ForwardingConfig(BaseModel):
    """Request headers that subgraphs get as they came, beside the correlation id and the trace context."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    headers: tuple[str, ...] = ("accept-language",)


@dataclass(slots=True)  # Not frozen: making one would take four times as long.
class Identity:
    """`headers_for` gives the header lines for a subgraph by its name; `tracing` are lines that only name the request.

    `partner` is the name of the API client that asks, if one does.
    """

    token: AccessToken | None
    headers_for: Callable[[str], bytes]
    tracing: bytes = b""
    partner: str | None = None

    @property
    def caller(self) -> str | None:
        """Who asks, by one name for users and partners; None for a visitor."""
        if self.partner is not None:
            return f"partner:{self.partner}"
        return None if self.token is None else f"user:{self.token.claims['sub']}"


class Identification:
    """Each part is optional: without an authenticator nobody is signed in, without internal tokens none are sent."""

    def __init__(
        self,
        forwarding: ForwardingConfig,
        rate_limiter: RateLimiter,
        authenticator: Authenticator | None = None,
        internal_tokens: InternalTokens | None = None,
        header_rules: HeaderRulesConfig | None = None,
        api_clients: ApiClients | None = None,
    ) -> None:
        # With internal tokens the Authorization header is the gateway's own: the client's never travels on beside it.
        withheld = (
            *(("authorization",) if internal_tokens else ()),
            *((api_clients.header,) if api_clients else ()),
        )
        self._rules = RequestHeaders(header_rules or HeaderRulesConfig(), forwarding.headers, withheld)
        self._rate_limiter = rate_limiter
        self._authenticator = authenticator
        self._api_clients = api_clients
        self._internal_tokens = internal_tokens

    async def close(self) -> None:
        if self._api_clients is not None:
            await self._api_clients.close()

    async def identify(self, headers: Mapping[str, str], client: str) -> Identity:
        """Raises RequestRefused: 429 for too many requests, 401 for a bad token or key."""
        return self.recognise(headers, client) or await self.find(headers, client)

    def recognise(
        self, headers: Mapping[str, str], client: str, story: bytes | None = None, passes_nothing: bool = False
    ) -> Identity | None:
        """Count a request, and say who asks where that is known; else `find` has to. Raises RequestRefused 429.

        `story` is the line that names the request, where it is made already; `passes_nothing` as below, where it is known.
        """
        if self._rate_limiter.is_on:
            self._rate_limiter.admit_request(client)
        if self._api_clients is not None and self._api_clients.header in headers:
            return None
        authorization = headers.get("authorization")
        if self._authenticator is None or authorization is None:
            return self._identity(headers, None, client, None, story, passes_nothing)
        token = self._authenticator.find(authorization)
        return None if token is None else self._identity(headers, token, client, None, story, passes_nothing)

    async def find(self, headers: Mapping[str, str], client: str) -> Identity:
        """Who asks by a request that is counted already. Raises RequestRefused: 401, or 429 for a partner's own limits."""
        if self._api_clients is not None and self._api_clients.header in headers:
            return await self._identify_partner(self._api_clients, headers, client, counted=True)
        return await self._identify_person(headers, client)

    async def identify_again(self, headers: Mapping[str, str]) -> Identity:
        """The identity by these headers, where no new request is made. Raises RequestRefused 401 for a bad token or key."""
        if self._api_clients is not None and self._api_clients.header in headers:
            return await self._identify_partner(self._api_clients, headers, "", counted=False)
        return await self._identify_person(headers, "")

    async def _identify_person(self, headers: Mapping[str, str], client: str) -> Identity:
        token = None
        if self._authenticator is not None:
            token = await self._authenticator.authenticate(headers.get("authorization"))
        return self._identity(headers, token, client)

    async def _identify_partner(
        self, api_clients: ApiClients, headers: Mapping[str, str], address: str, *, counted: bool
    ) -> Identity:
        """A request comes from a partner's program or from a person: where it claims both, whose rights would count?"""
        if "authorization" in headers:
            raise RequestRefused("AMBIGUOUS_CREDENTIALS", "Send an API key or an access token, not both.")
        client = await api_clients.get(headers[api_clients.header])
        if counted:
            await api_clients.admit(client)
        return self._identity(headers, api_clients.token(client), address, client.name)

    def _identity(
        self,
        headers: Mapping[str, str],
        token: AccessToken | None,
        client: str,
        partner: str | None = None,
        story: bytes | None = None,
        passes_nothing: bool = False,
    ) -> Identity:
        if story is None or _TRACESTATE in headers:
            story = header_lines({name: headers[name] for name in _TRACING if name in headers})
        elif _TRACEPARENT in headers:
            # Whoever makes the line of the story has seen that this is well-formed.
            story += b"traceparent: %b\r\n" % headers[_TRACEPARENT].encode()
        headers_for = _no_lines if passes_nothing else self._headers_for(headers, token, client)
        return Identity(token, headers_for, story, partner)

    def passes_nothing_of(self, headers: Mapping[str, str]) -> bool:
        """Whether it is plain that no subgraph gets anything of these headers, nor a token of the gateway's."""
        return self._internal_tokens is None and self._rules.pass_nothing_of(headers)

    def accepted_until(self, identity: Identity) -> float | None:
        """The time from which the identity's token is no longer good; None without one."""
        if identity.token is None:
            return None
        if identity.token.own or self._authenticator is None:
            return identity.token.expires_at
        return self._authenticator.accepted_until(identity.token)

    def visible_to(self, subgraph: str, headers: Mapping[str, str], identity: Identity) -> bytes:
        """What of a request's headers can change what a subgraph answers: equal for clients it cannot tell apart."""
        lines = self.forwarded(subgraph, headers)
        if self._internal_tokens is None:
            return lines
        return lines + self._internal_tokens.identity(identity.token)

    def forwarded(self, subgraph: str, headers: Mapping[str, str]) -> bytes:
        """The lines of a client's headers that a subgraph gets, without what the gateway says of who asks."""
        return header_lines(self._rules.of(self._rules.group(subgraph), headers))

    def _headers_for(
        self, headers: Mapping[str, str], token: AccessToken | None, client: str
    ) -> Callable[[str], bytes]:
        """The rules are applied once a request for all subgraphs that have none of their own."""
        if self.passes_nothing_of(headers):
            return _no_lines
        made: dict[str, bytes] = {}

        def headers_for(subgraph: str) -> bytes:
            group = self._rules.group(subgraph)
            lines = made.get(group)
            if lines is None:
                lines = made[group] = header_lines(self._rules.of(group, headers))
            if self._internal_tokens is None:
                return lines
            return lines + self._internal_tokens.authorization(subgraph, token, client)

        return headers_for


def _no_lines(_subgraph: str) -> bytes:
    return b""

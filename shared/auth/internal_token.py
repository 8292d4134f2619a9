"""Verifies the gateway's internal token: the only way into a subgraph.

A short-lived EdDSA JWT (RFC 7519, RFC 8725) with `iss` marketplace-gateway, `aud` subgraph:<name> and the claims of
the verified access token: `sub`, `sid`, `roles`, `seller_id`. Without `sub` the visitor is anonymous. A partner has
`kind` partner, `api_client_id` and `scopes` instead of a `sub`. `client` is a keyed hash of the address that asks.
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from pathlib import Path
from time import time
from uuid import UUID

import jwt
from jwt import PyJWKSet

from shared.auth.actor import Actor, Kind, Role
from shared.errors import Unauthenticated

ISSUER = "marketplace-gateway"
_CACHED_TOKENS = 2048


class InternalTokenVerifier:
    """Verified tokens are remembered until they expire: the signature is checked once a token, not once a request."""

    def __init__(self, jwks_file: Path, *, subgraph: str) -> None:
        keys = PyJWKSet.from_json(jwks_file.read_text(encoding="utf-8")).keys
        self._keys = {key.key_id: key for key in keys}
        self._audience = f"subgraph:{subgraph}"
        self._verified: OrderedDict[str, tuple[float, Actor]] = OrderedDict()

    def verify(self, authorization: str | None) -> Actor:
        """The actor of a `Bearer` header. Raises Unauthenticated for anything that is not a valid token for this subgraph."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("An internal token is required.", code="INTERNAL_TOKEN_REQUIRED")
        known = self._verified.get(token)
        if known is not None and known[0] > time():
            return known[1]
        expires_at, actor = self._decode(token)
        self._verified[token] = (expires_at, actor)
        while len(self._verified) > _CACHED_TOKENS:
            self._verified.popitem(last=False)
        return actor

    def _decode(self, token: str) -> tuple[float, Actor]:
        try:
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                audience=self._audience,
                issuer=ISSUER,
                leeway=5,
                options={"require": ["exp", "iat", "iss", "aud"], "strict_aud": True},
            )
            return float(claims["exp"]), _actor(claims)
        except (jwt.PyJWTError, KeyError, TypeError, ValueError) as error:
            raise Unauthenticated("The internal token is not valid.", code="INTERNAL_TOKEN_INVALID") from error


def _actor(claims: dict[str, object]) -> Actor:
    roles, scopes = claims.get("roles") or [], claims.get("scopes") or []
    if not isinstance(roles, list) or not isinstance(scopes, list):
        raise TypeError("roles and scopes must be lists")
    return Actor(
        user_id=_uuid(claims.get("sub")),
        session_id=_uuid(claims.get("sid")),
        roles=frozenset(Role(role) for role in roles),
        seller_id=_uuid(claims.get("seller_id")),
        kind=Kind(str(claims.get("kind", Kind.PERSON))),
        api_client_id=_uuid(claims.get("api_client_id")),
        scopes=frozenset(str(scope) for scope in scopes),
        client=_digest(claims.get("client")),
    )


def _digest(value: object) -> bytes | None:
    return base64.urlsafe_b64decode(f"{value}=") if value else None


def _uuid(value: object) -> UUID | None:
    return UUID(str(value)) if value else None

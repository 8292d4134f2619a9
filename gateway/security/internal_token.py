"""Mints the signed, short-lived token by which a subgraph knows that the gateway calls, and for whom."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import OrderedDict
from pathlib import Path
from time import time
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from pydantic import BaseModel, ConfigDict, Field

from gateway.security.authentication import AccessToken

_TOKENS_KEPT = 16_384
_CLIENTS = b"who asks"
_RAW = (Encoding.Raw, PrivateFormat.Raw, NoEncryption())

THE_GATEWAY = AccessToken("the gateway", {"kind": "gateway"}, own=True)
"""Who asks where the gateway asks for itself."""


class InternalTokenConfig(BaseModel):
    """`key_file` is a PEM file with an Ed25519 private key. `lifetime` in seconds.

    The subgraphs in `client_for` are told by the claim `client` which address asks, so that they can count what it does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key_file: Path
    issuer: str = "marketplace-gateway"
    audience_prefix: str = "subgraph:"
    lifetime: int = Field(default=60, ge=10, le=600)
    copied_claims: tuple[str, ...] = ("sub", "sid", "roles", "seller_id", "scopes")
    client_for: frozenset[str] = frozenset()


class InternalTokens:
    """One token for each access token and subgraph, used again for half its life. Raises TypeError for another kind of key."""

    def __init__(self, config: InternalTokenConfig) -> None:
        key = load_pem_private_key(config.key_file.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError(f"{config.key_file} holds no Ed25519 private key")
        self._key = key
        self._key_id = thumbprint(key.public_key())
        self._config = config
        self._client_key = hashlib.sha256(_CLIENTS + key.private_bytes(*_RAW)).digest()
        self._minted: OrderedDict[tuple[str, str, str], tuple[float, bytes]] = OrderedDict()

    def authorization(self, subgraph: str, token: AccessToken | None, client: str = "") -> bytes:
        """The Authorization header line for one subgraph. `client` is the network that asks, where that is known."""
        if subgraph not in self._config.client_for:
            client = ""
        cache_key = (token.text if token else "", subgraph, client)
        kept = self._minted.get(cache_key)
        if kept is not None and kept[0] > time():
            return kept[1]
        line = b"authorization: Bearer %b\r\n" % self._mint(subgraph, token, client).encode()
        self._minted[cache_key] = (time() + self._config.lifetime / 2, line)
        while len(self._minted) > _TOKENS_KEPT:
            self._minted.popitem(last=False)
        return line

    def identity(self, token: AccessToken | None) -> bytes:
        """What the tokens for `token` say about its bearer: equal where no subgraph can tell two bearers apart."""
        return orjson.dumps(self._copied(token), option=orjson.OPT_SORT_KEYS)

    def _copied(self, token: AccessToken | None) -> dict[str, Any]:
        if token is None:
            return {}
        # The gateway's own words go on as they are, but for when they end: each token has an end of its own.
        copied = token.claims.keys() - {"exp"} if token.own else self._config.copied_claims
        return {name: token.claims[name] for name in copied if name in token.claims}

    def _mint(self, subgraph: str, token: AccessToken | None, client: str) -> str:
        now = int(time())
        # A keyed hash: equal for equal clients, whichever replica says it, and nobody learns the address from it.
        told = {"client": _base64url(hmac.digest(self._client_key, client.encode(), "sha256"))} if client else {}
        claims = (
            self._copied(token)
            | told
            | {
                "iss": self._config.issuer,
                "aud": self._config.audience_prefix + subgraph,
                "iat": now,
                "exp": now + self._config.lifetime,
            }
        )
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers={"kid": self._key_id})


def thumbprint(key: Ed25519PublicKey) -> str:
    """The key's id: the SHA-256 JWK thumbprint of RFC 7638 and RFC 8037."""
    public = _base64url(key.public_bytes(Encoding.Raw, PublicFormat.Raw))
    members = orjson.dumps({"crv": "Ed25519", "kty": "OKP", "x": public})
    return _base64url(hashlib.sha256(members).digest())


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

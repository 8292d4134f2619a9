"""Signs access tokens (JWT by RFC 9068, EdDSA by RFC 8037) and publishes the keys that verify them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.auth.actor import scopes_of
from shared.clock import Clock
from shared.ids import new_id
from subgraphs.accounts.domain.users import Rights

ISSUER = "marketplace-accounts"
AUDIENCE = "marketplace"
ACCESS_TOKEN_LIFE = timedelta(minutes=10)
JWKS_PATH = "/.well-known/jwks.json"
# A verifier that keeps the set for longer would miss a new key; one that fetches it more often gains nothing.
_JWKS_MAX_AGE = 300


class AccessTokens:
    """Signs with the key of `key_file`; `previous_key_file` is published too, until what it signed has expired.

    Both are PEM files of private Ed25519 keys. Raises TypeError for a key of another kind.
    """

    def __init__(self, key_file: Path, previous_key_file: Path | None, clock: Clock) -> None:
        self._key = _private_key(key_file)
        self._clock = clock
        files = [key_file, previous_key_file] if previous_key_file else [key_file]
        self.jwks = {"keys": [_public_jwk(_private_key(file)) for file in files]}
        self._key_id = self.jwks["keys"][0]["kid"]

    def sign(self, user_id: UUID, session_id: UUID, rights: Rights) -> str:
        """A token of `ACCESS_TOKEN_LIFE` for this session."""
        now = self._clock()
        claims: dict[str, object] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": str(new_id()),
            "roles": sorted(rights.roles),
            "iat": int(now.timestamp()),
            "exp": int((now + ACCESS_TOKEN_LIFE).timestamp()),
        }
        if scopes := scopes_of(rights.roles):
            claims["scopes"] = sorted(scopes)
        if rights.seller_id is not None:
            claims["seller_id"] = str(rights.seller_id)
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers={"kid": self._key_id, "typ": "at+jwt"})

    def route(self) -> Route:
        """`GET /.well-known/jwks.json` (RFC 7517): public by nature."""

        async def jwks(_: Request) -> Response:
            return JSONResponse(self.jwks, headers={"cache-control": f"public, max-age={_JWKS_MAX_AGE}"})

        return Route(JWKS_PATH, jwks, methods=["GET"])


def _private_key(file: Path) -> Ed25519PrivateKey:
    key = load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{file} holds no Ed25519 key")
    return key


def _public_jwk(key: Ed25519PrivateKey) -> Mapping[str, str]:
    """`kid` is the key's thumbprint (RFC 7638, SHA-256 over its required members in order)."""
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    members = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
    return {**members, "kid": _base64url(hashlib.sha256(canonical).digest()), "alg": "EdDSA", "use": "sig"}


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

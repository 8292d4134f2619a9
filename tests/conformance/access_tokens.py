"""A key server and the access tokens it vouches for."""

from __future__ import annotations

from time import time
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm
from starlette.types import Receive, Scope, Send

ACCOUNTS = Ed25519PrivateKey.generate()


async def key_server(scope: Scope, receive: Receive, send: Send) -> None:
    """Serves the public key as a JWKS at any path."""
    await receive()
    key = {**OKPAlgorithm.to_jwk(ACCOUNTS.public_key(), as_dict=True), "kid": "k1"}
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps({"keys": [key]})})


def authentication(keys: str) -> dict[str, str]:
    """The gateway's settings for tokens of the key server at the URL `keys`."""
    return {"jwks_url": f"{keys}/jwks", "issuer": "accounts", "audience": "shop"}


def access_token(**changes: Any) -> str:
    now = int(time())
    claims = {
        "iss": "accounts",
        "aud": "shop",
        "sub": "u1",
        "iat": now,
        "exp": now + 60,
        "roles": ["customer"],
        **changes,
    }
    return jwt.encode(claims, ACCOUNTS, algorithm="EdDSA", headers={"kid": "k1", "typ": "at+jwt"})

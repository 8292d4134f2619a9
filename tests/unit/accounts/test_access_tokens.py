"""Access tokens as a verifier meets them."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt import PyJWKSet

from shared.auth.actor import Role
from shared.ids import new_id
from subgraphs.accounts.adapters.access_tokens import AccessTokens
from subgraphs.accounts.domain.users import Rights

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def a_key_file(folder: Path, name: str) -> Path:
    file = folder / name
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(pem)
    return file


def verify(token: str, jwks: Any) -> dict[str, Any]:
    key_id = jwt.get_unverified_header(token)["kid"]
    key = PyJWKSet.from_dict(jwks)[key_id]
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=["EdDSA"],
        issuer="marketplace-accounts",
        audience="marketplace",
        options={"verify_exp": False, "verify_iat": False, "strict_aud": True},
    )
    return claims


def test_a_token_says_who_in_which_session_with_what_rights(tmp_path: Path) -> None:
    # given a member of a seller who is also support
    tokens = AccessTokens(a_key_file(tmp_path, "new.pem"), None, lambda: NOW)
    user_id, session_id, seller_id = new_id(), new_id(), new_id()
    rights = Rights(frozenset({Role.SELLER, Role.SUPPORT, Role.CUSTOMER}), seller_id)
    # when a token is signed
    token = tokens.sign(user_id, session_id, rights)
    # then header and claims are exactly these
    key_id = tokens.jwks["keys"][0]["kid"]
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "typ": "at+jwt", "kid": key_id}
    claims = verify(token, tokens.jwks)
    assert len(claims.pop("jti")) == 36
    assert claims == {
        "iss": "marketplace-accounts",
        "aud": "marketplace",
        "sub": str(user_id),
        "sid": str(session_id),
        "roles": ["customer", "seller", "support"],
        "seller_id": str(seller_id),
        "scopes": ["catalog:read", "stock:read"],
        "iat": int(NOW.timestamp()),
        "exp": int((NOW + timedelta(minutes=10)).timestamp()),
    }


def test_a_token_without_a_seller_names_none(tmp_path: Path) -> None:
    tokens = AccessTokens(a_key_file(tmp_path, "new.pem"), None, lambda: NOW)
    token = tokens.sign(new_id(), new_id(), Rights(frozenset({Role.CUSTOMER}), None))
    assert "seller_id" not in verify(token, tokens.jwks)


def test_after_a_rotation_tokens_of_both_keys_verify(tmp_path: Path) -> None:
    # given a token of the key before, and a rotation
    old_file, new_file = a_key_file(tmp_path, "old.pem"), a_key_file(tmp_path, "new.pem")
    rights = Rights(frozenset(), None)
    old_token = AccessTokens(old_file, None, lambda: NOW).sign(new_id(), new_id(), rights)
    rotated = AccessTokens(new_file, old_file, lambda: NOW)
    # when both are verified with the published keys
    new_token = rotated.sign(new_id(), new_id(), rights)
    # then both hold; without the old key published, the old token does not
    assert verify(old_token, rotated.jwks)["aud"] == "marketplace"
    assert verify(new_token, rotated.jwks)["aud"] == "marketplace"
    assert jwt.get_unverified_header(new_token)["kid"] == rotated.jwks["keys"][0]["kid"]
    with pytest.raises(KeyError):
        verify(old_token, AccessTokens(new_file, None, lambda: NOW).jwks)


def test_a_published_key_is_public_and_named_by_its_thumbprint(tmp_path: Path) -> None:
    (key,) = AccessTokens(a_key_file(tmp_path, "new.pem"), None, lambda: NOW).jwks["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}
    # RFC 7638: the required members in lexical order, without white space.
    canonical = json.dumps({"crv": key["crv"], "kty": key["kty"], "x": key["x"]}, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode()).digest()
    assert key["kid"] == urlsafe_b64encode(digest).rstrip(b"=").decode()


def test_a_key_of_another_kind_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "ec.pem"
    pem = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(pem)
    with pytest.raises(TypeError, match="holds no Ed25519 key"):
        AccessTokens(file, None, lambda: NOW)

"""Access tokens in, internal tokens out. Keys are made for the test; time is the real one."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from time import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from pydantic import ValidationError

from gateway.errors import RequestRefused
from gateway.security.authentication import AccessToken, AuthenticationConfig, Authenticator, JwksKeys
from gateway.security.internal_token import InternalTokenConfig, InternalTokens, thumbprint

CONFIG = AuthenticationConfig(jwks_url="http://keys.test/jwks", issuer="accounts", audience="shop")
ED, OTHER_ED = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
EC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE: dict[str, Any] = {"EdDSA": ED, "ES256": EC, "RS256": RSA}


def jwks(**more: Any) -> dict[str, Any]:
    keys = [
        {**OKPAlgorithm.to_jwk(ED.public_key(), as_dict=True), "kid": "EdDSA", "use": "sig"},
        {**ECAlgorithm.to_jwk(EC.public_key(), as_dict=True), "kid": "ES256", "use": "sig"},
        {**RSAAlgorithm.to_jwk(RSA.public_key(), as_dict=True), "kid": "RS256", "use": "sig"},
    ]
    return {"keys": [*keys, *more.values()]}


class Jwks:
    """A key server that counts its readers."""

    def __init__(self) -> None:
        self.content = jwks()
        self.reads = 0
        self.fails = False

    async def read(self) -> bytes:
        self.reads += 1
        if self.fails:
            raise ConnectionError("down")
        return json.dumps(self.content).encode()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def authenticator(server: Jwks | None = None, clock: Clock | None = None) -> Authenticator:
    return Authenticator(JwksKeys((server or Jwks()).read, CONFIG, clock or Clock()), CONFIG)


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time())
    whole = {
        "iss": "accounts",
        "aud": "shop",
        "sub": "u1",
        "iat": now,
        "exp": now + 60,
        "roles": ["customer"],
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def token(algorithm: str = "EdDSA", *, key: Any = None, headers: dict[str, Any] | None = None, **changes: Any) -> str:
    header = {"kid": algorithm, "typ": "at+jwt", **(headers or {})}
    return jwt.encode(claims(**changes), key or PRIVATE[algorithm], algorithm=algorithm, headers=header)


def signed(header: dict[str, Any], **changes: Any) -> str:
    """A token with a good signature over what no library would sign."""

    def part(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    whole = {"alg": "EdDSA", "kid": "EdDSA", "typ": "at+jwt", **header}
    text = f"{part(json.dumps(whole).encode())}.{part(json.dumps(claims(**changes)).encode())}"
    return f"{text}.{part(ED.sign(text.encode()))}"


async def code_of(text: str) -> str | None:
    try:
        await authenticator().authenticate(f"Bearer {text}")
    except RequestRefused as refused:
        return refused.code if refused.status == 401 else f"status {refused.status}"
    return None


async def verdict(door: Authenticator, text: str) -> tuple[str, int, int | None] | None:
    try:
        await door.authenticate(f"Bearer {text}")
    except RequestRefused as refused:
        return refused.code, refused.status, refused.retry_after
    return None


def new_key() -> dict[str, Any]:
    return {**OKPAlgorithm.to_jwk(OTHER_ED.public_key(), as_dict=True), "kid": "new"}


async def test_the_forger_of_these_tests_can_sign_a_good_token() -> None:
    assert await code_of(signed({})) is None


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
async def test_a_good_token_gives_its_claims(algorithm: str) -> None:
    verified = await authenticator().authenticate(f"Bearer {token(algorithm)}")
    assert verified is not None
    assert (verified.claims["sub"], verified.claims["roles"]) == ("u1", ["customer"])


async def test_without_a_header_a_request_is_anonymous() -> None:
    assert await authenticator().authenticate(None) is None


async def test_a_clock_may_be_off_by_a_minute_and_no_more() -> None:
    assert CONFIG.leeway == 60
    with pytest.raises(ValidationError):
        AuthenticationConfig(jwks_url="http://keys.test/jwks", issuer="accounts", audience="shop", leeway=61)
    assert await code_of(token(exp=int(time()) - 50)) is None
    assert await code_of(token(nbf=int(time()) + 50, iat=int(time()) + 50)) is None
    assert await code_of(token(exp=int(time()) - 61)) == "INVALID_TOKEN"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dTpw", f"Bearer {'x' * 9000}"])
async def test_a_header_that_is_no_bearer_token_is_refused(header: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        await authenticator().authenticate(header)
    assert (refused.value.code, refused.value.status) == ("UNAUTHENTICATED", 401)


@pytest.mark.parametrize(
    "forged",
    [
        lambda: "not.a.jwt",
        lambda: token(exp=int(time()) - CONFIG.leeway),
        lambda: token(exp=None),
        lambda: token(iat=None),
        lambda: token(sub=None),
        lambda: token(iss="elsewhere"),
        lambda: token(iss=None),
        lambda: token(aud="subgraph:orders"),
        lambda: token(aud=None),
        lambda: token(nbf=int(time()) + 600),
        lambda: token(headers={"typ": "JWT"}),
        lambda: token(headers={"typ": "refresh+jwt"}),
        lambda: token(headers={"kid": "unknown"}),
        lambda: token(headers={"kid": "RS256"}),
        lambda: token(headers={"crit": ["exp"]}),
        lambda: token(key=OTHER_ED),
        lambda: token(key=OTHER_ED, headers={"jku": "http://evil.test/jwks"}),
        lambda: token(key=OTHER_ED, headers={"jwk": OKPAlgorithm.to_jwk(OTHER_ED.public_key(), as_dict=True)}),
        lambda: jwt.encode(claims(), "", algorithm="none", headers={"kid": "EdDSA", "typ": "at+jwt"}),
        lambda: jwt.encode(
            claims(),
            EC.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
            algorithm="HS256",
            headers={"kid": "ES256", "typ": "at+jwt"},
        ),
        lambda: jwt.encode(claims(), RSA, algorithm="RS512", headers={"kid": "RS256", "typ": "at+jwt"}),
        lambda: jwt.encode(claims(), RSA, algorithm="PS256", headers={"kid": "RS256", "typ": "at+jwt"}),
        lambda: signed({"kid": 7}),
        lambda: signed({"kid": ["EdDSA"]}),
        lambda: token(headers={"kid": "../EdDSA"}),
        lambda: token(headers={"b64": False, "crit": ["b64"]}),
        lambda: token(headers={"x5u": "http://evil.test/cert", "kid": "x5u"}),
        lambda: token(key=OTHER_ED, headers={"x5c": ["MIIB"]}),
        lambda: token("ES256", key=ec.generate_private_key(ec.SECP256R1())),
        lambda: token("RS256", headers={"kid": "ES256"}),
        lambda: token(aud=["shop-admin"]),
        lambda: signed({}, iss=["accounts"]),
        lambda: token(exp="never"),
        lambda: token(sub=7),
        lambda: token(iat=int(time()) + 600),
        lambda: signed({"alg": "eddsa"}),
        lambda: signed({"alg": "None"}),
        lambda: signed({"alg": ["EdDSA"]}),
        lambda: token()[:-4] + "AAAA",
        lambda: token() + ".",
    ],
)
async def test_a_forged_token_is_refused(forged: Any) -> None:
    assert await code_of(forged()) == "INVALID_TOKEN"


async def test_a_new_key_is_read_when_it_turns_up_and_a_retired_one_is_forgotten() -> None:
    server, clock = Jwks(), Clock()
    door = authenticator(server, clock)
    await door.authenticate(f"Bearer {token()}")
    server.content = {"keys": [new_key()]}
    clock.now += CONFIG.refresh_pause_seconds

    rotated = token(key=OTHER_ED, headers={"kid": "new"})
    assert await door.authenticate(f"Bearer {rotated}") is not None
    assert server.reads == 2

    clock.now += 1
    assert await verdict(door, token(sub="u2")) == ("INVALID_TOKEN", 401, None)


async def test_a_retired_key_is_refused_when_the_keys_are_read_again_at_the_latest() -> None:
    server, clock = Jwks(), Clock()
    door = authenticator(server, clock)
    await door.authenticate(f"Bearer {token()}")
    server.content = {"keys": [new_key()]}

    clock.now += CONFIG.keys_kept_seconds - 1
    assert await verdict(door, token(sub="u2")) is None
    clock.now += 1
    assert await verdict(door, token(sub="u3")) == ("INVALID_TOKEN", 401, None)


async def test_a_key_that_came_right_after_a_read_is_no_reason_to_refuse_its_tokens() -> None:
    server, clock = Jwks(), Clock()
    door = authenticator(server, clock)
    assert await verdict(door, token(headers={"kid": "guessed"})) == ("INVALID_TOKEN", 401, None)
    server.content = {"keys": [*jwks()["keys"], new_key()]}
    rotated = token(key=OTHER_ED, headers={"kid": "new"})

    clock.now += 3
    assert await verdict(door, rotated) == ("KEYS_UNAVAILABLE", 503, 7)
    clock.now += 7
    assert await verdict(door, rotated) is None
    assert server.reads == 2


async def test_unknown_key_ids_cannot_flood_the_key_server() -> None:
    server = Jwks()
    door = authenticator(server)
    for n in range(5):
        with pytest.raises(RequestRefused):
            await door.authenticate(f"Bearer {token(headers={'kid': f'k{n}'})}")
    assert server.reads == 1


async def test_keys_that_cannot_be_read_are_no_verdict_on_the_token() -> None:
    server, clock = Jwks(), Clock()
    door = authenticator(server, clock)
    await door.authenticate(f"Bearer {token()}")
    server.fails = True
    clock.now += 20
    assert await door.authenticate(f"Bearer {token(sub='u2')}") is not None

    clock.now += CONFIG.keys_kept_seconds
    with pytest.raises(RequestRefused) as refused:
        await door.authenticate(f"Bearer {token(sub='u3')}")
    assert (refused.value.code, refused.value.status) == ("KEYS_UNAVAILABLE", 503)


def internal_tokens(folder: Path, key: Any = ED, **config: Any) -> InternalTokens:
    file = folder / "key.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return InternalTokens(InternalTokenConfig(key_file=file, **config))


def decoded(line: bytes, audience: str) -> tuple[dict[str, Any], dict[str, Any]]:
    text = line.decode().removeprefix("authorization: Bearer ").strip()
    whole = jwt.decode(text, ED.public_key(), algorithms=["EdDSA"], audience=audience, issuer="marketplace-gateway")
    return whole, jwt.get_unverified_header(text)


def test_an_internal_token_carries_the_verified_claims_for_one_subgraph(tmp_path: Path) -> None:
    access = AccessToken("t", claims(sid="s1", seller_id="x", email="a@b.test"))
    whole, header = decoded(internal_tokens(tmp_path).authorization("orders", access), "subgraph:orders")
    assert {name: whole[name] for name in ("sub", "sid", "roles", "seller_id", "iss", "aud")} == {
        "sub": "u1",
        "sid": "s1",
        "roles": ["customer"],
        "seller_id": "x",
        "iss": "marketplace-gateway",
        "aud": "subgraph:orders",
    }
    assert whole["exp"] - whole["iat"] == 60
    assert "email" not in whole
    assert header["kid"] == thumbprint(ED.public_key())


def test_an_anonymous_internal_token_has_no_subject(tmp_path: Path) -> None:
    whole, _ = decoded(internal_tokens(tmp_path).authorization("orders", None), "subgraph:orders")
    assert whole.keys() == {"iss", "aud", "iat", "exp"}


def test_an_internal_token_is_used_again_for_the_same_caller_and_subgraph_only(tmp_path: Path) -> None:
    tokens = internal_tokens(tmp_path)
    first, second = AccessToken("t1", claims(sub="u1")), AccessToken("t2", claims(sub="u2"))
    line = tokens.authorization("orders", first)
    assert tokens.authorization("orders", first) is line
    others = {tokens.authorization("orders", second), tokens.authorization("catalog", first), line}
    assert len(others) == 3


def test_a_subgraph_that_counts_by_client_is_told_who_asks_and_no_address(tmp_path: Path) -> None:
    tokens = internal_tokens(tmp_path, client_for={"accounts"})

    def told(subgraph: str, client: str, access: AccessToken | None = None) -> Any:
        line = tokens.authorization(subgraph, access, client)
        return decoded(line, f"subgraph:{subgraph}")[0].get("client")

    here = told("accounts", "1.2.3.4")
    assert len(base64.urlsafe_b64decode(here + "=")) == 32
    assert told("accounts", "1.2.3.4", AccessToken("t", claims())) == here
    assert told("accounts", "1.2.3.5") not in (here, None)
    # Nobody can tell the address who has not the gateway's key, and every replica says the same.
    assert here not in [base64.urlsafe_b64encode(hashlib.sha256(b"1.2.3.4").digest()).rstrip(b"=").decode()]
    assert internal_tokens(tmp_path, client_for={"accounts"}).authorization("accounts", None, "1.2.3.4")
    assert (told("accounts", ""), told("orders", "1.2.3.4")) == (None, None)
    assert tokens.authorization("orders", None, "1.2.3.4") is tokens.authorization("orders", None, "1.2.3.5")


def test_an_access_token_cannot_say_which_client_asks(tmp_path: Path) -> None:
    access = AccessToken("t", claims(client="forged"))
    whole, _ = decoded(internal_tokens(tmp_path).authorization("orders", access), "subgraph:orders")
    assert "client" not in whole


def test_only_an_ed25519_key_may_sign(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="no Ed25519"):
        internal_tokens(tmp_path, RSA)


def test_a_thumbprint_is_that_of_rfc_8037() -> None:
    public = jwt.PyJWK.from_dict(
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    ).key
    assert thumbprint(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"

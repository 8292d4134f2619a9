"""The only way into a subgraph is a token that the gateway signed for that subgraph, a moment ago."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from pathlib import Path
from time import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from shared.auth.actor import Kind, Role
from shared.auth.internal_token import InternalTokenVerifier
from shared.errors import Unauthenticated
from shared.ids import new_id

GATEWAY_KEY = Ed25519PrivateKey.generate()
OTHER_KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def verifier(tmp_path: Path) -> InternalTokenVerifier:
    jwk = json.loads(OKPAlgorithm.to_jwk(GATEWAY_KEY.public_key())) | {"kid": "gateway", "alg": "EdDSA", "use": "sig"}
    file = tmp_path / "gateway.jwks.json"
    file.write_text(json.dumps({"keys": [jwk]}), encoding="utf-8")
    return InternalTokenVerifier(file, subgraph="orders")


def a_token(key: Any = GATEWAY_KEY, *, algorithm: str = "EdDSA", kid: str = "gateway", **changed: Any) -> str:
    claims: dict[str, Any] = {
        "iss": "marketplace-gateway",
        "aud": "subgraph:orders",
        "iat": int(time()),
        "exp": int(time()) + 60,
    }
    claims |= changed
    return jwt.encode(
        {k: v for k, v in claims.items() if v is not None}, key, algorithm=algorithm, headers={"kid": kid}
    )


def test_the_claims_become_the_actor(verifier: InternalTokenVerifier) -> None:
    user_id, seller_id = new_id(), new_id()
    token = a_token(sub=str(user_id), seller_id=str(seller_id), roles=["customer", "seller"])
    actor = verifier.verify(f"Bearer {token}")
    assert (actor.user_id, actor.seller_id, actor.roles) == (
        user_id,
        seller_id,
        frozenset({Role.CUSTOMER, Role.SELLER}),
    )


def test_a_token_without_a_subject_is_an_anonymous_visitor(verifier: InternalTokenVerifier) -> None:
    actor = verifier.verify(f"Bearer {a_token()}")
    assert (actor.user_id, actor.roles, actor.caller) == (None, frozenset(), "anonymous")


def test_the_client_that_asks_is_known_where_the_gateway_tells_it_and_is_nobody_in_itself(
    verifier: InternalTokenVerifier,
) -> None:
    told = verifier.verify(f"Bearer {a_token(client=base64.urlsafe_b64encode(bytes(range(32))).decode()[:-1])}")
    assert told.client == bytes(range(32))
    assert verifier.verify(f"Bearer {a_token()}").client is None
    assert told == verifier.verify(f"Bearer {a_token()}")


FORGERIES = {
    "no token": "",
    "another scheme": f"Basic {a_token()}",
    "not a token": "Bearer abc",
    "signed by somebody else": f"Bearer {a_token(OTHER_KEY)}",
    "an unknown key": f"Bearer {a_token(kid='other')}",
    "for another subgraph": f"Bearer {a_token(aud='subgraph:payments')}",
    "for two subgraphs": f"Bearer {a_token(aud=['subgraph:orders', 'subgraph:payments'])}",
    "for nobody": f"Bearer {a_token(aud=None)}",
    "from another issuer": f"Bearer {a_token(iss='marketplace-accounts')}",
    "expired": f"Bearer {a_token(exp=int(time()) - 60)}",
    "without an end": f"Bearer {a_token(exp=None)}",
    "not issued yet": f"Bearer {a_token(iat=int(time()) + 3600)}",
    "with a role that does not exist": f"Bearer {a_token(roles=['root'])}",
    "with roles that are no list": f"Bearer {a_token(roles='admin')}",
    "with a subject that is no id": f"Bearer {a_token(sub='admin')}",
    "with a client that is no hash": f"Bearer {a_token(client='a')}",
    "unsigned": f"Bearer {a_token(None, algorithm='none')}",
    "signed with a shared secret": f"Bearer {a_token('x' * 64, algorithm='HS256')}",
}


@pytest.mark.parametrize("header", FORGERIES.values(), ids=FORGERIES.keys())
def test_anything_else_is_refused(verifier: InternalTokenVerifier, header: str) -> None:
    with pytest.raises(Unauthenticated):
        verifier.verify(header)


def test_a_remembered_token_ends_when_it_expires(
    verifier: InternalTokenVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a token that was verified once
    token = f"Bearer {a_token()}"
    verifier.verify(token)
    # when its time is over
    later = time() + 120
    monkeypatch.setattr("shared.auth.internal_token.time", lambda: later)
    monkeypatch.setattr("jwt.api_jwt.datetime", _Later)
    # then it is refused
    with pytest.raises(Unauthenticated):
        verifier.verify(token)


class _Later:
    """pyjwt's clock, two minutes ahead."""

    @staticmethod
    def now(tz: Any = None) -> Any:
        return datetime.now(tz) + timedelta(minutes=2)


def test_a_partner_is_no_user_and_keeps_its_scopes(verifier: InternalTokenVerifier) -> None:
    client_id = new_id()
    token = a_token(kind="partner", api_client_id=str(client_id), roles=["partner"], scopes=["stock:read"])
    actor = verifier.verify(f"Bearer {token}")
    assert (actor.kind, actor.user_id, actor.api_client_id) == (Kind.PARTNER, None, client_id)
    assert (actor.roles, actor.scopes) == (frozenset({Role.PARTNER}), frozenset({"stock:read"}))
    assert (actor.caller, actor.is_staff) == (f"api_client:{client_id}", False)


@pytest.mark.parametrize("claims", [{"kind": "robot"}, {"scopes": "stock:read"}, {"api_client_id": "1"}])
def test_an_odd_kind_scope_or_client_is_no_token(verifier: InternalTokenVerifier, claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        verifier.verify(f"Bearer {a_token(**claims)}")

"""A subgraph that is called past the gateway answers nobody: whatever is asked, by whichever path, with whatever token."""

from __future__ import annotations

import base64
import importlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any

import httpx
import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from starlette.applications import Starlette
from starlette.routing import Route

from shared.auth.internal_token import InternalTokenVerifier
from shared.devstack.keys import GATEWAY_JWKS, GATEWAY_KEY, SEALING_PUBLIC_KEY, ensure_keys, public_jwks
from shared.register import Subgraph, load_register
from shared.runtime.api import subgraph_app
from shared.runtime.resources import open_resources

SUBGRAPHS = load_register().subgraphs

QUESTIONS = (
    "{ __typename }",
    "{ _service { sdl } }",
    '{ _entities(representations: [{__typename: "Product", id: "x"}]) { __typename } }',
    "{ __schema { types { name } } }",
    "subscription { __typename }",
    "no GraphQL at all",
)
OPEN = {"accounts": {"/.well-known/jwks.json"}, "payments": {"/webhooks/provider"}}
"""What needs no token: a set of public keys, and a webhook that carries a signature of its own."""


@dataclass(frozen=True, slots=True)
class Door:
    """The API of a domain as in production, its paths that are open, and the gateway's key."""

    subgraph: str
    app: Starlette
    exempt: frozenset[str]
    secrets: Path

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://subgraph")


@pytest.fixture(scope="module", params=SUBGRAPHS, ids=[subgraph.name for subgraph in SUBGRAPHS])
async def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    """Nothing is connected to before it is used."""
    subgraph: Subgraph = request.param
    folder = tmp_path_factory.mktemp(subgraph.name)
    ensure_keys(folder, load_register())
    root = importlib.import_module(f"subgraphs.{subgraph.name}.app")
    settings = root.SETTINGS(
        postgres_url="postgresql://nobody@127.0.0.1:1/nowhere",
        redis_url="redis://127.0.0.1:1",
        rabbitmq_url="amqp://127.0.0.1:1",
        gateway_jwks_file=folder / GATEWAY_JWKS,
        sealing_public_key_file=folder / SEALING_PUBLIC_KEY,
        **{variable.lower(): folder / file for variable, file in subgraph.secrets.items()},
    )
    async with open_resources(subgraph.name, settings) as resources:
        built = root.build(resources)
        verifier = InternalTokenVerifier(settings.gateway_jwks_file, subgraph=subgraph.name)
        yield Door(subgraph.name, subgraph_app(subgraph.name, built, verifier), built.exempt, folder)


def tokens(folder: Path, subgraph: str) -> tuple[str, Mapping[str, str | None]]:
    """The gateway's own `authorization`, and those that are not it."""
    pem = (folder / GATEWAY_KEY).read_bytes()
    known = public_jwks(pem)["keys"][0]
    audience, now = f"subgraph:{subgraph}", int(time())
    claims = {"iss": "marketplace-gateway", "aud": audience, "iat": now - 120, "exp": now + 60, "roles": []}

    def signed(
        changed: Mapping[str, Any], *, key: Any = None, algorithm: str = "EdDSA", kid: str = known["kid"]
    ) -> str:
        key = key or load_pem_private_key(pem, password=None)
        return f"Bearer {jwt.encode({**claims, **changed}, key, algorithm=algorithm, headers={'kid': kid})}"

    unsigned = [base64.urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=") for part in ({"alg": "none"}, claims)]
    other = "subgraph:orders" if subgraph != "orders" else "subgraph:payments"
    good = signed({})
    return good, {
        "none": None,
        "empty": "Bearer ",
        "another scheme": good.replace("Bearer", "Basic"),
        "expired": signed({"exp": now - 60}),
        "for another subgraph": signed({"aud": other}),
        "for several": signed({"aud": [audience, other]}),
        "for clients": signed({"aud": "marketplace"}),
        "of another issuer": signed({"iss": "marketplace-accounts"}),
        "by another key": signed({}, key=Ed25519PrivateKey.generate()),
        "by an unknown key": signed({}, kid="unknown"),
        "by the public key as a secret": signed({}, key=known["x"] * 2, algorithm="HS256"),
        "unsigned": f"Bearer {b'.'.join(unsigned).decode()}.",
        "broken": good[:-8] + "AAAAAAAA",
    }


async def test_nobody_but_the_gateway_gets_an_answer(door: Door) -> None:
    good, bad = tokens(door.secrets, door.subgraph)
    async with door.client() as client:
        answers = {
            (name, question): await client.post(
                "/graphql", json={"query": question}, headers={"authorization": token} if token is not None else {}
            )
            for name, token in bad.items()
            for question in QUESTIONS
        }
        welcome = await client.post("/graphql", json={"query": QUESTIONS[0]}, headers={"authorization": good})
    assert {key: answer.status_code for key, answer in answers.items()} == dict.fromkeys(answers, 401)
    codes = {answer.json()["errors"][0]["extensions"]["code"] for answer in answers.values()}
    assert codes == {"INTERNAL_TOKEN_REQUIRED", "INTERNAL_TOKEN_INVALID"}
    assert welcome.json() == {"data": {"__typename": "Query"}}


async def test_no_path_leads_around_the_door(door: Door) -> None:
    opened = OPEN.get(door.subgraph, set())
    assert door.exempt == opened
    routes = {route.path for route in door.app.routes if isinstance(route, Route)}
    tricks = ["/", "//graphql", "/graphql/", "/GRAPHQL", "/graphql;x", "/metrics", "/health/ready", "/%67raphql"]
    tricks += [f"{path}{rest}" for path in opened for rest in ("/", "/../../graphql", "%2F..%2F..%2Fgraphql", ";/x")]
    async with door.client() as client:
        statuses = {
            (method, path): (await client.request(method, path, json={"query": QUESTIONS[1]})).status_code
            for path in (*(routes - opened), *tricks)
            for method in ("POST", "GET", "OPTIONS", "HEAD", "PUT")
        }
        unsigned = {path: (await client.post(path, json={})).status_code for path in opened}
    assert "/graphql" in routes
    assert statuses == dict.fromkeys(statuses, 401)
    assert unsigned == dict.fromkeys(opened, 401 if door.subgraph == "payments" else 405)

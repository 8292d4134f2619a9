"""Partners' programs: let in, given other keys and shut out by an admin; known to the gateway by hashes alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from time import time
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from shared.auth.actor import Role
from shared.auth.internal_token import InternalTokenVerifier
from shared.devstack.keys import public_jwks
from shared.ids import new_id
from shared.runtime.api import subgraph_app
from shared.testing.subgraph import SubgraphUnderTest
from tests.integration.accounts.conftest import Keys
from tests.integration.accounts.people import Person, a_member_of_staff, keyed

CLIENT = "apiClient { id name scopes requestsPerMinute operationsPerDay operationsPerMonth revokedAt }"
CREATE = f"""mutation($input: CreateApiClientInput!) {{
  createApiClient(input: $input) {{ {CLIENT} key userErrors {{ code field }} }}
}}"""
ROTATE = f"""mutation($input: RotateApiKeyInput!) {{
  rotateApiKey(input: $input) {{ {CLIENT} key userErrors {{ code field }} }}
}}"""
REVOKE = f"""mutation($input: RevokeApiClientInput!) {{
  revokeApiClient(input: $input) {{ {CLIENT} userErrors {{ code field }} }}
}}"""


@pytest.fixture(scope="module")
async def admin(accounts: SubgraphUnderTest) -> Person:
    return await a_member_of_staff(accounts, Role.ADMIN)


@pytest.fixture
async def register(accounts: SubgraphUnderTest, keys: Keys, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Accounts' HTTP side, asked by the gateway for itself."""
    gateway_jwks = tmp_path / "gateway.jwks.json"
    gateway_jwks.write_text(json.dumps(public_jwks(keys.previous_access_token.read_bytes())))
    app = subgraph_app("accounts", accounts.subgraph, InternalTokenVerifier(gateway_jwks, subgraph="accounts"))
    headers = internal_token(keys, kind="gateway")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://accounts", headers=headers
    ) as client:
        yield client


def internal_token(keys: Keys, **claims: Any) -> dict[str, str]:
    pem = keys.previous_access_token.read_bytes()
    now = int(time())
    claims |= {"iss": "marketplace-gateway", "aud": "subgraph:accounts", "iat": now, "exp": now + 60}
    kid = public_jwks(pem)["keys"][0]["kid"]
    token = jwt.encode(claims, load_pem_private_key(pem, None), algorithm="EdDSA", headers={"kid": kid})  # type: ignore[arg-type]
    return {"authorization": f"Bearer {token}"}


async def create(accounts: SubgraphUnderTest, admin: Person, **values: Any) -> Any:
    name = f"partner-{new_id()}"
    answer = await accounts.data(CREATE, keyed(**{"name": name} | values), actor=admin.actor)
    return answer["createApiClient"]


async def known_hashes(register: httpx.AsyncClient, client_id: str) -> list[str]:
    listed = (await register.get("/internal/api-clients")).json()["clients"]
    return [key["sha256"] for client in listed if client["id"] == client_id for key in client["keys"]]


def sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


async def test_a_key_is_shown_once_and_known_by_its_hash_from_then_on(
    accounts: SubgraphUnderTest, admin: Person, register: httpx.AsyncClient
) -> None:
    # when an admin lets a partner in, and the answer gets lost and is asked for again
    values = keyed(
        name=f"parcels-{new_id()}", scopes=["stock:read", "catalog:read", "stock:read"], operationsPerDay=5000
    )
    first = (await accounts.data(CREATE, values, actor=admin.actor))["createApiClient"]
    again = (await accounts.data(CREATE, values, actor=admin.actor))["createApiClient"]
    # then it is the same client, and the key is in the first answer alone
    assert first["userErrors"] == again["userErrors"] == []
    assert first["apiClient"] == again["apiClient"]
    assert first["apiClient"]["scopes"] == ["catalog:read", "stock:read"]
    assert (first["apiClient"]["requestsPerMinute"], first["apiClient"]["operationsPerDay"]) == (600, 5000)
    assert (first["key"][:4], len(first["key"]), again["key"]) == ("mkp_", 47, None)
    # and the gateway gets its hash, scopes and limits
    (entry,) = [
        client
        for client in (await register.get("/internal/api-clients")).json()["clients"]
        if client["id"] == first["apiClient"]["id"]
    ]
    assert entry == {
        "id": first["apiClient"]["id"],
        "name": values["input"]["name"],
        "scopes": ["catalog:read", "stock:read"],
        "limits": {"requests_per_minute": 600, "operations_per_day": 5000, "operations_per_month": None},
        "keys": [{"sha256": sha256(first["key"]), "expires_at": None}],
    }


async def test_a_name_is_given_once_even_after_its_client_is_revoked(
    accounts: SubgraphUnderTest, admin: Person, register: httpx.AsyncClient
) -> None:
    made = await create(accounts, admin)
    client_id, name = made["apiClient"]["id"], made["apiClient"]["name"]
    revoked = (await accounts.data(REVOKE, keyed(apiClientId=client_id), actor=admin.actor))["revokeApiClient"]
    assert (revoked["userErrors"], revoked["apiClient"]["revokedAt"] is None) == ([], False)
    # Its client is listed no more, and its key has ended.
    assert client_id not in (await register.get("/internal/api-clients")).text
    keys = "SELECT count(*) AS good FROM api_client_key WHERE api_client_id = :c AND expires_at IS NULL"
    assert await accounts.rows(keys, c=client_id) == [{"good": 0}]
    taken = await create(accounts, admin, name=name)
    assert (taken["apiClient"], taken["key"]) == (None, None)
    assert taken["userErrors"] == [{"code": "API_CLIENT_NAME_TAKEN", "field": ["name"]}]
    late = (await accounts.data(ROTATE, keyed(apiClientId=client_id), actor=admin.actor))["rotateApiKey"]
    assert late["userErrors"] == [{"code": "API_CLIENT_REVOKED", "field": ["apiClientId"]}]
    assert late["key"] is None
    unknown = (await accounts.data(ROTATE, keyed(apiClientId=str(new_id())), actor=admin.actor))["rotateApiKey"]
    assert unknown["userErrors"] == [{"code": "API_CLIENT_NOT_FOUND", "field": ["apiClientId"]}]


async def test_the_key_before_stays_good_for_the_overlap_and_there_are_never_more_than_two(
    accounts: SubgraphUnderTest, admin: Person, register: httpx.AsyncClient
) -> None:
    made = await create(accounts, admin)
    client_id = made["apiClient"]["id"]

    async def rotate(**values: Any) -> str:
        answer = await accounts.data(ROTATE, keyed(apiClientId=client_id, **values), actor=admin.actor)
        key: str = answer["rotateApiKey"]["key"]
        return key

    second = await rotate(overlapHours=1)
    assert await known_hashes(register, client_id) == [sha256(made["key"]), sha256(second)]
    third = await rotate()
    assert await known_hashes(register, client_id) == [sha256(second), sha256(third)]
    offset = accounts.clock.offset
    accounts.clock.advance(timedelta(hours=24, seconds=1))
    assert await known_hashes(register, client_id) == [sha256(third)]
    # and the purge leaves no ended key
    accounts.clock.advance(timedelta(days=1))
    (purge,) = accounts.subgraph.jobs
    await purge.run()
    kept = await accounts.rows(
        "SELECT encode(key_hash, 'hex') AS h FROM api_client_key WHERE api_client_id = :c", c=client_id
    )
    accounts.clock.offset = offset
    assert [row["h"] for row in kept] == [sha256(third)]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "With Blanks"}, "name"),
        ({"name": "../storefront"}, "name"),
        ({"scopes": ["Everything!"]}, "scopes"),
        ({"requestsPerMinute": 0}, "requestsPerMinute"),
        ({"operationsPerDay": 0}, "operationsPerDay"),
    ],
)
async def test_an_odd_name_scope_or_limit_is_refused(
    accounts: SubgraphUnderTest, admin: Person, values: dict[str, Any], field: str
) -> None:
    refused = await create(accounts, admin, **values)
    assert (refused["apiClient"], refused["key"]) == (None, None)
    assert [(error["code"], error["field"][0]) for error in refused["userErrors"]] == [("INVALID_INPUT", field)]


async def test_what_is_done_is_told_to_the_audit_and_no_key_lies_anywhere(
    accounts: SubgraphUnderTest, admin: Person
) -> None:
    made = await create(accounts, admin)
    client_id = made["apiClient"]["id"]
    rotated = (await accounts.data(ROTATE, keyed(apiClientId=client_id), actor=admin.actor))["rotateApiKey"]
    for _ in range(2):
        await accounts.data(REVOKE, keyed(apiClientId=client_id), actor=admin.actor)
    told = [event for event in await accounts.events() if str(event["aggregate_id"]) == client_id]
    assert [(event["event_name"], event["aggregate_version"]) for event in told] == [
        ("api_client.created", 1),
        ("api_client.key_rotated", 2),
        ("api_client.revoked", 3),
    ]
    assert {event["payload"]["actor_id"] for event in told} == {admin.user_id}
    for key in (made["key"], rotated["key"]):
        assert await places_of(accounts, key) == []


async def places_of(accounts: SubgraphUnderTest, secret: str) -> list[str]:
    """Every table and key of Redis that holds the text."""
    tables = await accounts.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'accounts'")
    found = []
    for table in (row["tablename"] for row in tables):
        rows = await accounts.rows(f"SELECT 1 FROM {table} t WHERE strpos(to_jsonb(t)::text, :s) > 0", s=secret)
        found += [table] * bool(rows)
    redis = accounts.resources.redis
    async for key in redis.scan_iter():
        if await redis.type(key) == b"string" and secret.encode() in (await redis.get(key) or b""):
            found.append(key.decode())
    return found


async def test_only_the_gateway_speaking_for_itself_reads_the_register(register: httpx.AsyncClient, keys: Keys) -> None:
    asked = {
        "nobody": {"authorization": ""},
        "a visitor": internal_token(keys),
        "an admin": internal_token(keys, sub=str(new_id()), roles=["admin"]),
        "a partner": internal_token(keys, kind="partner", api_client_id=str(new_id()), scopes=["stock:read"]),
        "the gateway": internal_token(keys, kind="gateway"),
    }
    statuses = {
        who: (await register.get("/internal/api-clients", headers=headers)).status_code
        for who, headers in asked.items()
    }
    assert statuses == {"nobody": 401, "a visitor": 403, "an admin": 403, "a partner": 403, "the gateway": 200}

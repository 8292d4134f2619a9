"""Partners over real HTTP: known by a key, held to their manifest, their scopes and their limits."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import Any

import httpx
import jwt
import orjson
import pytest
import redis.asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from prometheus_client import REGISTRY
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from gateway.persisted.manifest import sha256_of
from gateway.settings import Settings
from shared.testing.eventually import eventually
from tests.conformance.access_tokens import access_token, authentication, key_server
from tests.conformance.federation import Federation, federation, serve
from tests.conformance.subgraph import Subgraph
from tests.conformance.subscriptions.market import PRICES, changed, market, socket
from tests.conformance.test_authorization import subgraphs

GATEWAY = Ed25519PrivateKey.generate()
MOTD, REPORT = "query Motd { motd }", "query Report { report }"
MANIFESTS = {
    "web": {"web": "query Web { motd }"},
    "parcels": {"motd": MOTD, "report": REPORT},
    "depot": {"depot": "query Depot { motd colour }"},
}


@dataclass
class Register:
    """The register of API clients: an HTTP server that counts who asked it with what. `away` answers 503."""

    clients: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    away: bool = False

    def add(self, name: str, *keys: str, expires_at: str | None = None, **more: Any) -> None:
        listed = [{"sha256": hashlib.sha256(key.encode()).hexdigest(), "expires_at": expires_at} for key in keys]
        self.clients.append({"id": f"id-of-{name}", "name": name, "scopes": [], "limits": {}, "keys": listed, **more})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        self.asked.append(dict(scope["headers"])[b"authorization"].decode().removeprefix("Bearer "))
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 503 if self.away else 200, "headers": headers})
        await send({"type": "http.response.body", "body": orjson.dumps({"clients": self.clients})})


@dataclass(frozen=True, slots=True)
class Edge:
    """The gateway with its register, keys and subgraphs."""

    graph: Federation
    register: Register

    async def send(self, key: str | None, body: Mapping[str, Any], **headers: str) -> httpx.Response:
        keyed = {"x-api-key": key} if key is not None else {}
        return await self.graph.client.post("/graphql", json=body, headers={**keyed, **headers})


@asynccontextmanager
async def edge(
    folder: Path, register: Register, *, sections: Mapping[str, Any] | None = None, **config: Any
) -> AsyncIterator[Edge]:
    for client, manifest in MANIFESTS.items():
        (folder / f"{client}.json").write_bytes(orjson.dumps(manifest))
    async with serve(register) as url, serve(key_server) as keys:
        settings = {
            "persisted": {"directory": str(folder), "clients": ["web"]},
            "api_clients": {"url": f"{url}/internal/api-clients", "subgraph": "accounts", **config},
            "authentication": authentication(keys),
            "internal_token": {"key_file": str(key_in(folder))},
            **(sections or {}),
        }
        async with federation("authorization", subgraphs(), settings) as graph:
            yield Edge(graph, register)


def key_in(folder: Path) -> Path:
    file = folder / "gateway.pem"
    file.write_bytes(GATEWAY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file


@pytest.fixture
def register() -> Register:
    made = Register()
    made.add("parcels", "key-of-parcels")
    made.add("depot", "key-of-depot")
    return made


def code_of(answer: httpx.Response) -> str:
    (error,) = answer.json()["errors"]
    code: str = error["extensions"]["code"]
    return code


def code_in(answer: httpx.Response) -> str | None:
    return code_of(answer) if "errors" in answer.json() else None


def claims_seen(subgraph: Subgraph) -> dict[str, Any]:
    text = subgraph.headers[-1]["authorization"].removeprefix("Bearer ")
    return jwt.decode(text, GATEWAY.public_key(), algorithms=["EdDSA"], audience="subgraph:accounts")


def counted(client: str, outcome: str) -> float:
    return REGISTRY.get_sample_value("gateway_partner_requests_total", {"client": client, "outcome": outcome}) or 0.0


async def test_a_partner_runs_the_operations_of_its_own_manifest_and_nothing_else(
    tmp_path: Path, register: Register
) -> None:
    before = {name: counted("parcels", name) for name in ("admitted", "not_listed")}
    async with edge(tmp_path, register) as served:
        answer = await served.send("key-of-parcels", {"documentId": "motd"})
        assert (answer.status_code, answer.json()) == (200, {"data": {"motd": "hello"}})
        assert (await served.send("key-of-parcels", {"query": MOTD})).json() == {"data": {"motd": "hello"}}
        asked = len(served.graph.subgraphs["accounts"].requests)
        refused = {
            "an unknown id": await served.send("key-of-parcels", {"documentId": "nothing"}),
            "another partner's id": await served.send("key-of-parcels", {"documentId": "depot"}),
            "a first-party id": await served.send("key-of-parcels", {"documentId": "web"}),
            "another spacing": await served.send("key-of-parcels", {"query": "query Motd {motd}"}),
            "another partner's text": await served.send("key-of-parcels", {"query": MANIFESTS["depot"]["depot"]}),
            "a hash of its own": await served.send(
                "key-of-parcels",
                {
                    "query": "{ colour }",
                    "extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256_of("{ colour }")}},
                },
            ),
            "an operation of a partner without its key": await served.send(None, {"documentId": "motd"}),
        }
        assert {what: code_of(answer) for what, answer in refused.items()} == {
            "an unknown id": "PERSISTED_QUERY_NOT_IN_LIST",
            "another partner's id": "PERSISTED_QUERY_NOT_IN_LIST",
            "a first-party id": "PERSISTED_QUERY_NOT_IN_LIST",
            "another spacing": "QUERY_NOT_IN_SAFELIST",
            "another partner's text": "QUERY_NOT_IN_SAFELIST",
            "a hash of its own": "QUERY_NOT_IN_SAFELIST",
            "an operation of a partner without its key": "PERSISTED_QUERY_NOT_IN_LIST",
        }
        assert len(served.graph.subgraphs["accounts"].requests) == asked
        # People and visitors still ask what they like.
        assert (await served.send(None, {"query": "{ motd }"})).json() == {"data": {"motd": "hello"}}
    assert counted("parcels", "admitted") - before["admitted"] == 8
    assert counted("parcels", "not_listed") - before["not_listed"] == 6


async def test_a_partner_that_is_on_its_way_to_a_list_runs_other_texts_too_and_each_is_counted(
    tmp_path: Path, register: Register
) -> None:
    persisted = {"directory": str(tmp_path), "clients": ["web"], "partners": "log_unknown"}
    unlisted = {"client": "parcels"}
    before = REGISTRY.get_sample_value("gateway_unknown_operations_total", unlisted) or 0.0
    async with edge(tmp_path, register, sections={"persisted": persisted}) as served:
        assert (await served.send("key-of-parcels", {"query": "{ motd }"})).json() == {"data": {"motd": "hello"}}
        assert (await served.send("key-of-parcels", {"query": MOTD})).json() == {"data": {"motd": "hello"}}
        # There is no text behind another partner's id.
        assert code_of(await served.send("key-of-parcels", {"documentId": "depot"})) == "PERSISTED_QUERY_NOT_IN_LIST"
    assert REGISTRY.get_sample_value("gateway_unknown_operations_total", unlisted) == before + 1


async def test_a_partners_identity_and_scopes_travel_on_signed_and_its_key_does_not(
    tmp_path: Path, register: Register
) -> None:
    register.clients[0]["scopes"] = ["report:read", "stock:read"]
    rules = {"all": {"request": [{"propagate": {"matching": ".*"}}]}}
    async with edge(tmp_path, register, sections={"headers": rules}) as served:
        await served.send("key-of-parcels", {"documentId": "motd"})
        accounts = served.graph.subgraphs["accounts"]
        claims = claims_seen(accounts)
        assert {name: claims.get(name) for name in ("kind", "api_client_id", "roles", "scopes", "sub")} == {
            "kind": "partner",
            "api_client_id": "id-of-parcels",
            "roles": ["partner"],
            "scopes": ["report:read", "stock:read"],
            "sub": None,
        }
        assert claims["exp"] - time() <= 60
        assert "key-of-parcels" not in str(accounts.headers)
        # The register was asked by the gateway for itself, once.
        (token,) = served.register.asked
        own = jwt.decode(token, GATEWAY.public_key(), algorithms=["EdDSA"], audience="subgraph:accounts")
        assert own["kind"] == "gateway"


@pytest.mark.parametrize(("scopes", "shown"), [([], None), (["a"], None), (["a", "b"], "report"), (["c"], "report")])
async def test_a_scope_opens_what_requires_it(
    tmp_path: Path, register: Register, scopes: list[str], shown: str | None
) -> None:
    register.clients[0]["scopes"] = scopes
    async with edge(tmp_path, register) as served:
        misses = REGISTRY.get_sample_value("gateway_operation_cache_total", {"result": "miss"})
        answer = (await served.send("key-of-parcels", {"documentId": "report"})).json()
        assert answer["data"] == {"report": shown}
        assert [error["extensions"]["code"] for error in answer.get("errors", [])] == (
            [] if shown else ["FORBIDDEN_FIELD"]
        )
        assert REGISTRY.get_sample_value("gateway_operation_cache_total", {"result": "miss"}) == misses


async def test_a_bad_key_is_401_and_a_key_beside_a_token_is_ambiguous(tmp_path: Path, register: Register) -> None:
    async with edge(tmp_path, register, pause_seconds=60, at_once=1) as served:
        for key in ("nobodys", "nobodys", "", "key-of-parcels, key-of-depot", "k" * 300):
            answer = await served.send(key, {"documentId": "motd"})
            assert (answer.status_code, code_of(answer)) == (401, "INVALID_API_KEY")
        # One that may have been made since the register was read is looked up, and where too many are, is not said to be bad.
        register.add("depot-three", "made-a-moment-ago-too")
        fresh = await served.send("made-a-moment-ago-too", {"documentId": "motd"})
        assert code_of(fresh) == "PERSISTED_QUERY_NOT_IN_LIST"
        early = await served.send("made-a-moment-ago", {"documentId": "motd"})
        assert (early.status_code, code_of(early)) == (503, "KEYS_UNAVAILABLE")
        assert 0 < int(early.headers["retry-after"]) <= 60
        both = await served.send("key-of-parcels", {"documentId": "motd"}, authorization=f"Bearer {access_token()}")
        assert (both.status_code, code_of(both)) == (400, "AMBIGUOUS_CREDENTIALS")
        assert served.graph.counts == {}
        # An unknown key has the register read again, but not by each request.
        assert len(served.register.asked) == 2


async def test_what_a_person_or_a_partner_gets_is_never_for_others_to_keep(tmp_path: Path, register: Register) -> None:
    persisted = {"directory": str(tmp_path), "clients": ["web"], "max_age": {"Web": 30, "Motd": 30}}
    async with edge(tmp_path, register, sections={"persisted": persisted}) as served:
        caching = {
            "a visitor": await served.graph.client.get("/graphql/web"),
            "a person": await served.graph.client.get(
                "/graphql/web", headers={"authorization": f"Bearer {access_token()}"}
            ),
            "a partner": await served.graph.client.get("/graphql/motd", headers={"x-api-key": "key-of-parcels"}),
        }
        assert {who: answer.headers["cache-control"] for who, answer in caching.items()} == {
            "a visitor": "public, max-age=30",
            "a person": "private, no-store",
            "a partner": "private, no-store",
        }
        assert "X-Api-Key" in caching["a visitor"].headers["vary"]


async def test_an_old_key_is_good_until_its_end_and_a_new_or_revoked_one_is_known_soon(
    tmp_path: Path, register: Register
) -> None:
    register.add("ended", "old-key", expires_at="2026-01-01T00:00:00Z")
    register.add("ending", "old-key-still-good", expires_at="2999-01-01T00:00:00Z")
    quick: dict[str, Any] = {"fresh_seconds": 0.001, "pause_seconds": 0.001}
    async with edge(tmp_path, register, **quick) as served:
        assert code_of(await served.send("old-key", {"documentId": "motd"})) == "INVALID_API_KEY"
        assert code_of(await served.send("old-key-still-good", {"documentId": "motd"})) == "PERSISTED_QUERY_NOT_IN_LIST"
        register.clients = [client for client in register.clients if client["name"] != "parcels"]
        register.add("depot-two", "new-key")

        async def told(key: str, code: str) -> bool:
            return code_in(await served.send(key, {"documentId": "motd"})) == code

        # A read that began before the change may still be under way.
        await eventually("the end of a key", lambda: told("key-of-parcels", "INVALID_API_KEY"))
        await eventually("a new key", lambda: told("new-key", "PERSISTED_QUERY_NOT_IN_LIST"))


async def test_without_a_register_keys_are_believed_for_a_while_and_then_nobody_is_let_in(
    tmp_path: Path, register: Register
) -> None:
    register.away = True
    async with edge(tmp_path, register, pause_seconds=0.001, fresh_seconds=0.001) as served:
        away = await served.send("key-of-parcels", {"documentId": "motd"})
        assert (away.status_code, code_of(away)) == (503, "KEYS_UNAVAILABLE")
        register.away = False
        assert (await served.send("key-of-parcels", {"documentId": "motd"})).status_code == 200
        register.away = True
        assert (await served.send("key-of-parcels", {"documentId": "motd"})).status_code == 200
        assert len(register.asked) >= 3
        # Without a key nobody asks the register.
        asked = len(register.asked)
        assert (await served.send(None, {"query": "{ motd }"})).status_code == 200
        assert len(register.asked) == asked


async def test_limits_are_a_partners_own_and_a_quota_is_shared_by_the_replicas(
    tmp_path: Path, register: Register, redis_url: str
) -> None:
    register.clients[0] |= {"id": "quota-test", "limits": {"operations_per_day": 3}}
    register.clients[1] |= {"limits": {"requests_per_minute": 1}}
    quotas: dict[str, Any] = {"redis_url": redis_url}
    async with edge(tmp_path, register, **quotas) as one, edge(tmp_path, register, **quotas) as two:
        statuses = [
            (await served.send("key-of-parcels", {"documentId": "motd"})).status_code for served in (one, two, one)
        ]
        assert statuses == [200, 200, 200]
        over = await two.send("key-of-parcels", {"documentId": "motd"})
        assert (over.status_code, code_of(over)) == (429, "QUOTA_EXCEEDED")
        assert 0 < int(over.headers["retry-after"]) <= 86_400
        assert counted("parcels", "quota_exceeded") >= 1
        codes = {(await one.send("key-of-depot", {"documentId": "depot"})).status_code for _ in range(3)}
        assert 429 in codes
        async with redis.asyncio.Redis.from_url(redis_url) as client:
            (key,) = [key async for key in client.scan_iter("quota:quota-test:*")]
            assert 0 < await client.ttl(key) <= 86_460


async def test_without_redis_a_quota_is_counted_here(tmp_path: Path, register: Register) -> None:
    register.clients[0] |= {"limits": {"operations_per_day": 1}}
    async with edge(tmp_path, register, redis_url="redis://127.0.0.1:1") as served:
        assert (await served.send("key-of-parcels", {"documentId": "motd"})).status_code == 200
        assert code_of(await served.send("key-of-parcels", {"documentId": "motd"})) == "QUOTA_EXCEEDED"


def test_partners_without_manifests_to_hold_them_to_are_refused_at_the_start() -> None:
    with pytest.raises(ValidationError, match="api_clients needs persisted"):
        Settings.model_validate({"api_clients": {"url": "http://127.0.0.1:1/", "subgraph": "accounts"}})


async def test_a_partners_subscription_lives_as_long_as_its_key(tmp_path: Path, register: Register) -> None:
    for name in ("parcels", "depot"):
        (tmp_path / f"{name}.json").write_bytes(orjson.dumps({f"prices-of-{name}": PRICES}))
    async with serve(register) as url:
        # A key is believed for a second at a time here.
        times = {"fresh_seconds": 0.01, "pause_seconds": 0.01, "believed_seconds": 1}
        settings = {
            "persisted": {"directory": str(tmp_path)},
            "api_clients": {"url": f"{url}/", "subgraph": "accounts", **times},
            "internal_token": {"key_file": str(key_in(tmp_path))},
        }
        async with market(settings) as shop, socket(shop, headers={"x-api-key": "key-of-parcels"}) as ws:
            await ws.say(id="other", type="subscribe", payload={"documentId": "prices-of-depot"})
            assert (await ws.hear())["payload"][0]["extensions"] == {"code": "PERSISTED_QUERY_NOT_IN_LIST"}
            await ws.say(id="mine", type="subscribe", payload={"documentId": "prices-of-parcels"})
            await shop.prices.until(1)
            reads = len(register.asked)

            async def asked_again() -> bool:
                return len(register.asked) > reads

            # It is asked for again when its time is up, and goes on: the key is still good.
            await eventually("another read of the register", asked_again)
            shop.change(4)
            assert await ws.hear() == {"id": "mine", "type": "next", "payload": changed(4)}
            register.clients.clear()
            assert await ws.closed() == (4403, "TOKEN_EXPIRED")

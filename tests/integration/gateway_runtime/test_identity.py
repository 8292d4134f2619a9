"""From a client's access token to the subgraph's internal token, with a key server and real HTTP in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.conformance.access_tokens import access_token, authentication, key_server
from tests.conformance.federation import Federation, federation, sdl, serve
from tests.conformance.subgraph import Subgraph

GATEWAY = Ed25519PrivateKey.generate()


@asynccontextmanager
async def graph(folder: Path, **sections: Any) -> AsyncIterator[Federation]:
    key_file = folder / "gateway.pem"
    key_file.write_bytes(GATEWAY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    subgraphs = {
        name: Subgraph(sdl("shared_roots", name), {"Query.here": name, "Query.version": {"major": 1, name: name}})
        for name in ("one", "two")
    }
    async with serve(key_server) as keys:
        settings = {
            "authentication": authentication(keys),
            "internal_token": {"key_file": str(key_file)},
            **sections,
        }
        async with federation("shared_roots", subgraphs, settings) as served:
            yield served


def internal_claims(served: Federation, subgraph: str) -> dict[str, Any]:
    (headers,) = served.subgraphs[subgraph].headers
    text = headers["authorization"].removeprefix("Bearer ")
    return jwt.decode(text, GATEWAY.public_key(), algorithms=["EdDSA"], audience=f"subgraph:{subgraph}")


async def test_a_subgraph_gets_the_claims_and_never_the_clients_token(tmp_path: Path) -> None:
    async with graph(tmp_path) as served:
        token = access_token()
        answer = await served.ask("{ version { one two } }", headers={"authorization": f"Bearer {token}"})
        assert answer == {"data": {"version": {"one": "one", "two": "two"}}}
        for name in ("one", "two"):
            claims = internal_claims(served, name)
            assert (claims["sub"], claims["roles"], claims["aud"]) == ("u1", ["customer"], f"subgraph:{name}")
            assert token not in str(served.subgraphs[name].headers)


async def test_no_header_rule_sends_the_clients_token_on_where_the_gateway_signs(tmp_path: Path) -> None:
    rules = {"all": {"request": [{"propagate": {"matching": ".*"}}]}}
    async with graph(tmp_path, headers=rules) as served:
        token = access_token()
        await served.ask("{ version { one } }", headers={"authorization": f"Bearer {token}", "x-a": "1"})
        assert internal_claims(served, "one")["sub"] == "u1"
        assert served.subgraphs["one"].headers[0]["x-a"] == "1"
        assert token not in str(served.subgraphs["one"].headers)


async def test_an_anonymous_request_is_signed_too(tmp_path: Path) -> None:
    async with graph(tmp_path) as served:
        await served.ask("{ version { one } }")
        assert "sub" not in internal_claims(served, "one")


async def test_a_bad_token_is_401_and_reaches_no_subgraph(tmp_path: Path) -> None:
    async with graph(tmp_path) as served:
        headers = {"authorization": f"Bearer {access_token(aud='elsewhere')}"}
        answer = await served.client.post("/graphql", json={"query": "{ version { one } }"}, headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert answer.json()["errors"][0]["extensions"] == {"code": "INVALID_TOKEN"}
        assert "data" not in answer.json()
        assert served.counts == {}


async def test_a_limited_root_field_is_refused_by_address_however_it_is_aliased(tmp_path: Path) -> None:
    limits = {"root_fields": {"here": {"per_minute": 1, "burst": 2}}}
    async with graph(tmp_path, rate_limit=limits) as served:
        answer = await served.client.post("/graphql", json={"query": "{ a: here b: here c: here }"})
        assert answer.status_code == 429
        assert answer.json()["errors"][0]["extensions"] == {"code": "RATE_LIMITED"}
        assert int(answer.headers["retry-after"]) == 60
        assert served.counts == {}
        assert (await served.ask("{ version { major } }"))["data"] == {"version": {"major": 1}}


async def test_a_body_over_the_limit_is_413_and_an_overlong_query_string_too(tmp_path: Path) -> None:
    async with graph(tmp_path, limits={"body_bytes": 1000}) as served:
        whole = orjson.dumps({"query": "{ here }", "padding": "x" * 1000})
        headers = {"content-type": "application/json"}
        declared = await served.client.post("/graphql", content=whole, headers=headers)

        async def chunks() -> AsyncIterator[bytes]:
            yield whole[:600]
            yield whole[600:]

        streamed = await served.client.post("/graphql", content=chunks(), headers=headers)
        by_get = await served.client.get("/graphql", params={"query": "{ here }", "padding": "x" * 1000})
        assert [answer.status_code for answer in (declared, streamed, by_get)] == [413, 413, 413]
        assert served.counts == {}

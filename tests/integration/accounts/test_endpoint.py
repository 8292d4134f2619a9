"""Accounts' HTTP side: what passes without the gateway's token, and what does not."""

from __future__ import annotations

import json
from pathlib import Path

import httpx

from shared.auth.internal_token import InternalTokenVerifier
from shared.devstack.keys import public_jwks
from shared.runtime.api import subgraph_app
from shared.testing.subgraph import SubgraphUnderTest
from tests.integration.accounts.conftest import Keys


async def test_only_the_key_set_is_open_to_all(accounts: SubgraphUnderTest, keys: Keys, tmp_path: Path) -> None:
    # given the subgraph behind the gateway's key
    gateway_jwks = tmp_path / "gateway.jwks.json"
    gateway_jwks.write_text(json.dumps(public_jwks(keys.previous_access_token.read_bytes())))
    app = subgraph_app("accounts", accounts.subgraph, InternalTokenVerifier(gateway_jwks, subgraph="accounts"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://accounts") as client:
        # when somebody without a token asks for the keys and for the graph
        key_set = await client.get("/.well-known/jwks.json")
        graph = await client.post("/graphql", json={"query": "{ _service { sdl } }"})
    # then both keys are published, the signing one first, and the graph is closed
    assert key_set.status_code == 200
    assert key_set.headers["cache-control"] == "public, max-age=300"
    published = [public_jwks(file.read_bytes())["keys"][0] for file in (keys.access_token, keys.previous_access_token)]
    assert key_set.json() == {"keys": published}
    assert graph.status_code == 401

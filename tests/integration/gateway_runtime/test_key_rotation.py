"""The key server changes its keys while many ask: no good token is refused, and a retired key's tokens are in the end."""

from __future__ import annotations

import asyncio
from collections import Counter
from time import time
from typing import Any

import httpx
import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm
from starlette.types import Receive, Scope, Send

from shared.testing.eventually import eventually
from tests.conformance.federation import federation, sdl, serve
from tests.conformance.subgraph import Subgraph

AT_ONCE = 25


class KeyServer:
    """Signs with its newest key and publishes it with the one before, from one moment to the next, as accounts does."""

    def __init__(self) -> None:
        self.keys: list[tuple[str, Ed25519PrivateKey]] = []
        self.reads = 0
        self.rotate()

    def rotate(self) -> None:
        self.keys = [(f"k{time()}", Ed25519PrivateKey.generate()), *self.keys[:1]]

    def retire(self) -> None:
        del self.keys[1:]

    def token(self, key: tuple[str, Ed25519PrivateKey] | None = None, *, subject: int = 0) -> str:
        key_id, private = key or self.keys[0]
        now = int(time())
        claims = {"iss": "accounts", "aud": "shop", "sub": f"u{subject}", "iat": now, "exp": now + 60}
        return jwt.encode(claims, private, algorithm="EdDSA", headers={"kid": key_id, "typ": "at+jwt"})

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        self.reads += 1
        found = [{**OKPAlgorithm.to_jwk(k.public_key(), as_dict=True), "kid": name} for name, k in self.keys]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": orjson.dumps({"keys": found})})


async def ask(client: httpx.AsyncClient, token: str) -> int:
    headers = {"authorization": f"Bearer {token}"}
    return (await client.post("/graphql", json={"query": "{ __typename }"}, headers=headers)).status_code


async def ask_again(client: httpx.AsyncClient, token: str) -> int:
    """The status once there is a verdict: 503 says to come again."""
    status = await ask(client, token)
    while status == 503:
        await asyncio.sleep(0.05)
        status = await ask(client, token)
    return status


async def test_no_good_token_is_refused_while_keys_rotate_and_strangers_guess_key_ids() -> None:
    keys = KeyServer()
    async with serve(keys) as url:
        authentication: dict[str, Any] = {
            "jwks_url": f"{url}/jwks",
            "issuer": "accounts",
            "audience": "shop",
            "keys_kept_seconds": 2,
            "refresh_pause_seconds": 0.2,
        }
        subgraphs = {"people": Subgraph(sdl("costs", "people"))}
        async with federation("costs", subgraphs, {"authentication": authentication}) as served:
            good: Counter[int] = Counter()
            stranger = ("guessed", Ed25519PrivateKey.generate())
            for _ in range(3):
                before = keys.keys[0]
                first = keys.token()
                assert await ask_again(served.client, first) == 200
                keys.rotate()
                asked = [
                    *(ask_again(served.client, keys.token(subject=n)) for n in range(AT_ONCE)),
                    *(ask_again(served.client, keys.token(before, subject=n)) for n in range(AT_ONCE)),
                ]
                guesses = [
                    ask_again(served.client, keys.token((f"guess{n}", stranger[1]), subject=n)) for n in range(AT_ONCE)
                ]
                statuses = await asyncio.gather(*asked, *guesses)
                good.update(statuses[: len(asked)])
                assert Counter(statuses[len(asked) :]) == {401: AT_ONCE}
            assert good == {200: 3 * 2 * AT_ONCE}

            retired = keys.keys[1]
            keys.retire()
            count = iter(range(1_000_000))

            async def refused() -> bool:
                return await ask(served.client, keys.token(retired, subject=next(count))) == 401

            await eventually("the end of a retired key", refused)
            assert await ask_again(served.client, keys.token()) == 200

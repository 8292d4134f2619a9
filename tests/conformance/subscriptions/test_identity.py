"""Who subscribes: tokens at the start, at their expiry and renewed; and which clients share an upstream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from time import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.conformance.access_tokens import access_token, authentication, key_server
from tests.conformance.federation import serve
from tests.conformance.subscriptions.market import PRICES, Market, changed, market, socket
from tests.conformance.subscriptions.streams import COMPLETE, SSE, next_event, post

ALERT = "subscription { myPriceAlert { price } }"


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Market]:
    async with serve(key_server) as keys:
        settings = {
            "authentication": {**authentication(keys), "leeway": 0},
            "internal_token": {
                "key_file": str(private_key(tmp_path_factory.mktemp("keys"))),
                "copied_claims": ["sub", "roles"],
            },
        }
        async with market(settings) as shop:
            yield shop


def private_key(folder: Path) -> Path:
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "internal.pem"
    path.write_bytes(key)
    return path


def bearer(**claims: Any) -> dict[str, str]:
    return {"authorization": f"Bearer {access_token(**claims)}"}


def expiring(seconds: float = 1.7, **claims: Any) -> dict[str, str]:
    """Whole seconds are what a token can say: it is good for at least 0.7 s."""
    return bearer(exp=int(time() + seconds), **claims)


async def alert(shop: Market, price: int) -> None:
    await shop.alerts.until(1)
    shop.alerts.publish({"price": price, "product": {"id": "1"}})


def alerted(price: int) -> dict[str, Any]:
    return {"data": {"myPriceAlert": {"price": price}}}


@pytest.mark.parametrize(
    "spelled",
    [lambda token: {"headers": token}, lambda token: token, lambda token: {"Authorization": token["authorization"]}],
)
async def test_a_token_may_come_with_the_initialisation(
    shop: Market, spelled: Callable[[dict[str, str]], dict[str, Any]]
) -> None:
    async with socket(shop, spelled(bearer())) as ws:
        await ws.subscribe("a", ALERT)
        await alert(shop, 4)
        assert await ws.hear() == {"id": "a", "type": "next", "payload": alerted(4)}
    await shop.alerts.until(0)


async def test_a_token_may_come_with_the_upgrade(shop: Market) -> None:
    async with socket(shop, headers=bearer()) as ws:
        await ws.subscribe("a", ALERT)
        await alert(shop, 4)
        assert await ws.hear() == {"id": "a", "type": "next", "payload": alerted(4)}
    await shop.alerts.until(0)


async def test_a_bad_token_closes_the_connection_with_its_reason(shop: Market) -> None:
    async with socket(shop, said=False) as ws:
        await ws.say(type="connection_init", payload={"authorization": "Bearer no"})
        assert await ws.closed() == (4403, "INVALID_TOKEN: The access token is not valid.")
    async with socket(shop, said=False, headers={"authorization": "Basic YQ=="}) as ws:
        await ws.say(type="connection_init")
        assert (await ws.closed())[0] == 4403
    async with socket(shop, said=False) as ws:
        await ws.say(type="connection_init", payload={"headers": {"a b": "c"}})
        assert (await ws.closed())[0] == 4400


async def test_what_needs_a_token_is_refused_without_one_and_opens_nothing(shop: Market) -> None:
    opened = shop.alerts.opened
    refusal = {"message": "Sign in to see this part of the answer.", "path": ["myPriceAlert"]}
    expected = {"errors": [{**refusal, "extensions": {"code": "UNAUTHENTICATED"}}], "data": {"myPriceAlert": None}}
    async with socket(shop) as ws:
        await ws.subscribe("a", ALERT)
        assert await ws.hear() == {"id": "a", "type": "next", "payload": expected}
        assert await ws.hear() == {"id": "a", "type": "complete"}
    async with post(shop, ALERT, SSE) as stream:
        await stream.expect(":\n\n" + next_event(expected) + COMPLETE)
    assert shop.alerts.opened == opened


async def test_a_subscription_ends_with_its_token(shop: Market) -> None:
    async with socket(shop, expiring()) as ws:
        await ws.subscribe("a", ALERT)
        assert await ws.closed() == (4403, "TOKEN_EXPIRED")
    ended = "The access token has expired. Subscribe again with a new one."
    async with post(shop, ALERT, {**SSE, **expiring()}) as stream:
        await stream.expect(":\n\n")
        await stream.expect(
            next_event({"errors": [{"message": ended, "extensions": {"code": "TOKEN_EXPIRED"}}]}) + COMPLETE
        )
    await shop.alerts.until(0)


async def test_a_token_that_is_renewed_in_time_carries_a_subscription_on(shop: Market) -> None:
    token = expiring()
    async with socket(shop, token) as ws, socket(shop, token) as other:
        await ws.subscribe("a", ALERT)
        await other.subscribe("b", ALERT)
        await ws.say(type="ping", payload=bearer())
        assert (await ws.hear())["type"] == "pong"
        assert await other.closed() == (4403, "TOKEN_EXPIRED")
        await alert(shop, 9)
        assert await ws.hear() == {"id": "a", "type": "next", "payload": alerted(9)}
    await shop.alerts.until(0)


async def test_the_token_of_somebody_else_carries_nothing_on(shop: Market) -> None:
    async with socket(shop, expiring()) as ws:
        await ws.subscribe("a", ALERT)
        await ws.say(type="ping", payload=bearer(sub="u2"))
        assert (await ws.hear())["type"] == "pong"
        assert await ws.closed() == (4403, "TOKEN_EXPIRED")


async def test_a_ping_with_a_bad_token_closes_the_connection(shop: Market) -> None:
    async with socket(shop, bearer()) as ws:
        await ws.say(type="ping", payload={"authorization": "Bearer no"})
        assert (await ws.closed())[0] == 4403


async def test_clients_whom_no_subgraph_can_tell_apart_share_an_upstream(shop: Market) -> None:
    opened = shop.prices.opened
    async with socket(shop, bearer(jti="1")) as one, socket(shop, bearer(jti="2")) as two:
        await one.subscribe("a", PRICES)
        await two.subscribe("b", PRICES)
        async with post(shop, PRICES, {**SSE, **bearer(jti="3")}) as stream:
            await stream.expect(":\n\n")
            await heard_by(shop, 3)
            shop.change(8)
            assert await one.hear() == {"id": "a", "type": "next", "payload": changed(8)}
            assert await two.hear() == {"id": "b", "type": "next", "payload": changed(8)}
            await stream.expect(next_event(changed(8)))
        await one.say(id="a", type="complete")
        await heard_by(shop, 1)
        shop.change(9)
        assert await two.hear() == {"id": "b", "type": "next", "payload": changed(9)}
    await shop.prices.until(0)
    assert shop.prices.opened == opened + 1


async def heard_by(shop: Market, clients: int) -> None:
    """Wait until so many clients are subscribed and share one upstream."""
    for _ in range(1000):
        metrics = (await shop.graph.client.get("/metrics")).text
        if f"\ngateway_subscriptions {float(clients)}\n" in metrics and shop.prices.open == 1:
            return
        await asyncio.sleep(0.005)
    pytest.fail("they did not subscribe")


@pytest.mark.parametrize(
    ("token", "query", "headers"),
    [
        ({"sub": "u2"}, PRICES, {}),
        ({"roles": ["admin"]}, PRICES, {}),
        ({}, PRICES.replace("id: 1", "id: 2"), {}),
        ({}, PRICES, {"accept-language": "de"}),
    ],
)
async def test_clients_that_may_get_different_events_do_not(
    shop: Market, token: dict[str, Any], query: str, headers: dict[str, str]
) -> None:
    opened = shop.prices.opened
    async with socket(shop, bearer()) as one, socket(shop, {"headers": {**bearer(**token), **headers}}) as other:
        await one.subscribe("a", PRICES)
        await other.subscribe("b", query)
        await shop.prices.until(2)
    await shop.prices.until(0)
    assert shop.prices.opened == opened + 2

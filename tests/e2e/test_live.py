"""A sale as buyer and seller hear of it live, with the parts of each event that other subgraphs know."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from shared.devstack.report import LOGINS_FILE
from shared.testing.running_stack import RunningStack
from supergraph.demo.acts import add_to_cart, pay
from supergraph.demo.client import Client
from tests.conformance.subscriptions.market import Socket, socket_to

ORDER_UPDATED = "subscription { orderUpdated { id status seller { name } payment { status } } }"
ORDER_RECEIVED = "subscription { sellerOrderReceived { id status seller { name } } }"
NOTIFIED = "subscription { myNotificationAdded { template orderGroup { id status orders { seller { name } } } } }"
WARES = "{ mySeller { name } stockItems(first: 1) { edges { node { variant { id } } } } }"
SIGN_IN = "mutation($input: LoginInput!) { login(input: $input) { accessToken } }"


async def sign_in(stack: RunningStack, http: httpx.AsyncClient, role: str) -> tuple[Client, dict[str, str]]:
    """One of the demo's people at work, and the payload that signs a socket in."""
    logins = json.loads((stack.layout.secrets / LOGINS_FILE).read_text(encoding="utf-8"))
    login = next(login for login in logins if login["role"].startswith(role))
    credentials = {"email": login["email"], "password": login["password"]}
    client = Client(http, role)
    await client.sign_in(**credentials)
    token = (await client.ask(SIGN_IN, {"input": credentials}))["login"]["accessToken"]
    return client, {"authorization": f"Bearer {token}"}


async def heard(socket: Socket, wanted: Callable[[Any], bool]) -> Any:
    """The first event that is wanted; states in between may be told or not."""
    while True:
        message = await socket.hear()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        (event,) = message["payload"]["data"].values()
        if wanted(event):
            return event


async def subscribed(http: httpx.AsyncClient, **streams: int) -> None:
    """Wait until so many subscriptions are open at these subgraphs."""
    lines = [f'gateway_source_streams{{subgraph="{name}"}} {float(count)}\n' for name, count in streams.items()]
    for _ in range(1000):
        metrics = (await http.get("/metrics")).text
        if all(line in metrics for line in lines):
            return
        await asyncio.sleep(0.02)
    pytest.fail("the subscriptions were not opened")


async def test_a_sale_is_told_live_to_the_buyer_and_to_the_seller(running_stack: RunningStack) -> None:
    # given a buyer and a seller who listen
    url = running_stack.gateway_url
    async with AsyncExitStack() as held:
        client = httpx.AsyncClient(base_url=url.removesuffix("/graphql"), trust_env=False, timeout=60)
        http = await held.enter_async_context(client)
        buyer, as_buyer = await sign_in(running_stack, http, "buyer")
        seller, as_seller = await sign_in(running_stack, http, "seller")
        orders = await held.enter_async_context(socket_to(url, as_buyer))
        letters = await held.enter_async_context(socket_to(url, as_buyer))
        shop = await held.enter_async_context(socket_to(url, as_seller))
        await orders.subscribe("1", ORDER_UPDATED)
        await letters.subscribe("1", NOTIFIED)
        await shop.subscribe("1", ORDER_RECEIVED)
        await subscribed(http, orders=2, notifications=1)

        # when the buyer buys one of the seller's wares
        wares = await seller.ask(WARES)
        variant, name = wares["stockItems"]["edges"][0]["node"]["variant"]["id"], wares["mySeller"]["name"]
        cart = (await add_to_cart(buyer, variant, 1))["cart"]
        placed = await buyer.do("checkout", "orderGroup { id orders { id } }", cartVersion=cart["version"])
        group, order = placed["orderGroup"]["id"], placed["orderGroup"]["orders"][0]["id"]
        await pay(buyer, group)

        # then each hears of it, the names from sellers and the payment from payments
        sold = {"id": order, "status": "CONFIRMED", "seller": {"name": name}}
        updated = await heard(orders, lambda event: event["id"] == order and event["status"] == "CONFIRMED")
        assert updated == {**sold, "payment": {"status": "CAPTURED"}}
        assert await heard(shop, lambda event: event["id"] == order) == sold
        letter = await heard(letters, lambda event: event["orderGroup"] is not None)
        assert letter["template"] == "ORDER_CONFIRMED"
        assert letter["orderGroup"] == {"id": group, "status": "CONFIRMED", "orders": [{"seller": {"name": name}}]}


async def test_nobody_hears_of_orders_or_letters_without_signing_in(running_stack: RunningStack) -> None:
    async with socket_to(running_stack.gateway_url) as visitor:
        for query in (ORDER_UPDATED, ORDER_RECEIVED, NOTIFIED):
            await visitor.subscribe("1", query)
            refused = await visitor.hear()
            assert [error["extensions"]["code"] for error in refused["payload"]["errors"]] == ["UNAUTHENTICATED"]
            assert await visitor.hear() == {"id": "1", "type": "complete"}

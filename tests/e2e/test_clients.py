"""The marketplace asked by the clients people use: a query, a mutation, a listed operation and a subscription by each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from gql import Client, GraphQLRequest
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

from shared.devstack.report import LOGINS_FILE
from shared.register import PROJECT_ROOT
from shared.testing.running_stack import RunningStack
from tests.fixtures.clients.listed import ListedRequest
from tests.fixtures.clients.node import NPM_CLIENTS, install, node_client

SIGN_IN = "mutation($input: LoginInput!) { login(input: $input) { accessToken } }"
STOCK = "{ stockItems(first: 1) { edges { node { location { id } variant { id sku availability { available } } } } } }"
QUERY = (
    "query Wares($first: Int!) { products(first: $first, sort: TITLE) { edges { node { title seller { name } } } } }"
)
# Three subgraphs are asked for what is deferred. The level stays what it is, whatever a test receives.
DEFERRED = """query Window($first: Int!) { products(first: $first, sort: TITLE) { edges { node { id title
  ... @defer(label: "shelf") { seller { name } availability { level } rating { count average } } } } } }"""
READ_IN_PARTS = ("apollo", "urql")
"""The clients that put the parts of an answer together, each in both of the ways that it knows."""
RECEIVE = "mutation Receive($input: ReceiveStockInput!) { receiveStock(input: $input) { userErrors { code } } }"
CHANGED = "subscription Changed($ids: [ID!]!) { stockChanged(variantIds: $ids) { sku availability { available } } }"
RECEIVED: dict[str, Any] = {"receiveStock": {"userErrors": []}}


@dataclass(slots=True)
class Shop:
    """A seller at work on one variant, of which `available` can be bought."""

    url: str
    client: httpx.AsyncClient
    headers: dict[str, str]
    location: str
    variant: str
    sku: str
    available: int

    def received(self, units: int) -> dict[str, Any]:
        """The variables to receive so many units, once."""
        command = {"idempotencyKey": str(uuid4()), "locationId": self.location, "variantId": self.variant}
        return {"input": {**command, "quantity": units}}

    async def receive(self, units: int) -> None:
        answer = await ask(self.client, RECEIVE, self.received(units), self.headers)
        assert answer == RECEIVED

    def changed(self) -> dict[str, Any]:
        """What an event says of the variant: its number is catalog's, its stock is inventory's."""
        return {"stockChanged": {"sku": self.sku, "availability": {"available": self.available}}}

    async def watched(self, streams: int) -> None:
        """Wait until so many of the gateway's subscriptions are open at inventory."""
        line = f'gateway_source_streams{{subgraph="inventory"}} {float(streams)}\n'
        for _ in range(1000):
            if line in (await self.client.get("/metrics")).text:
                return
            await asyncio.sleep(0.02)
        pytest.fail("the subscription was not opened")


async def ask(client: httpx.AsyncClient, query: str, variables: Any, headers: dict[str, str]) -> Any:
    body = {"query": query, "variables": variables}
    answer = (await client.post("/graphql", json=body, headers=headers)).json()
    assert "errors" not in answer, answer
    return answer["data"]


@pytest.fixture(scope="module")
async def shop(running_stack: RunningStack) -> AsyncIterator[Shop]:
    logins = json.loads((running_stack.layout.secrets / LOGINS_FILE).read_text(encoding="utf-8"))
    seller = next(login for login in logins if login["role"].startswith("seller"))
    base = running_stack.gateway_url.removesuffix("/graphql")
    async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=60) as client:
        sign_in = {"input": {"email": seller["email"], "password": seller["password"]}}
        token = (await ask(client, SIGN_IN, sign_in, {}))["login"]["accessToken"]
        headers = {"authorization": f"Bearer {token}"}
        item = (await ask(client, STOCK, {}, headers))["stockItems"]["edges"][0]["node"]
        variant = item["variant"]
        available = variant["availability"]["available"]
        yield Shop(
            running_stack.gateway_url, client, headers, item["location"]["id"], variant["id"], variant["sku"], available
        )


@dataclass(frozen=True, slots=True)
class Listed:
    """An operation of the storefront's manifest."""

    id: str
    text: str


@pytest.fixture(scope="module")
def categories() -> Listed:
    manifest = json.loads((PROJECT_ROOT / "supergraph" / "operations" / "storefront.json").read_text(encoding="utf-8"))
    entry = next(entry for entry in manifest["operations"] if entry["name"] == "Categories")
    return Listed(entry["id"], entry["body"])


@pytest.mark.parametrize("name", NPM_CLIENTS)
async def test_a_client_of_npm_queries_mutates_and_subscribes(shop: Shop, categories: Listed, name: str) -> None:
    install()
    scenario = {
        "url": shop.url,
        "headers": shop.headers,
        "query": {"query": QUERY, "variables": {"first": 2}},
        "mutation": {"query": RECEIVE, "variables": shop.received(1)},
        "persisted": {"id": categories.id, "query": categories.text, "variables": {}},
        "subscription": {"query": CHANGED, "variables": {"ids": [shop.variant]}},
        "events": 1,
        "deferred": {"query": DEFERRED, "variables": {"first": 2}} if name in READ_IN_PARTS else None,
    }
    async with node_client(name, scenario) as client:
        assert await client.answer() == ("query", {"data": await ask(shop.client, QUERY, {"first": 2}, {})})
        assert await client.answer() == ("mutation", {"data": RECEIVED})
        shop.available += 1
        assert await client.answer() == ("persisted", {"data": await ask(shop.client, categories.text, {}, {})})
        if name in READ_IN_PARTS:
            whole = {"data": await ask(shop.client, DEFERRED.replace('@defer(label: "shelf")', ""), {"first": 2}, {})}
            nodes = [edge["node"] for edge in whole["data"]["products"]["edges"]]
            assert [len(node) for node in nodes] == [5, 5]
            assert await client.answer() == ("streaming", _only(nodes, "id", "title"))
            assert await client.answer() == ("complete", whole)
            assert await client.answer() == ("streaming", _only(nodes, "id", "title"))
            assert await client.answer() == ("complete", whole)
        await shop.watched(1)
        await shop.receive(2)
        shop.available += 2
        assert await client.answer() == ("event", {"data": shop.changed()})
    await shop.watched(0)


def _only(nodes: list[dict[str, Any]], *names: str) -> dict[str, Any]:
    """The answer with so much of each product."""
    return {"data": {"products": {"edges": [{"node": {name: node[name] for name in names}} for node in nodes]}}}


async def test_gql_of_python_queries_mutates_and_subscribes(shop: Shop, categories: Listed) -> None:
    url = shop.url
    sockets = WebsocketsTransport(url=url.replace("http", "ws", 1), init_payload={"headers": shop.headers})
    for transport in (HTTPXAsyncTransport(url=url, headers=shop.headers), sockets):
        async with Client(transport=transport) as session:
            found = await session.execute(GraphQLRequest(QUERY, variable_values={"first": 2}))
            assert found == await ask(shop.client, QUERY, {"first": 2}, {})
            assert await session.execute(GraphQLRequest(RECEIVE, variable_values=shop.received(1))) == RECEIVED
            shop.available += 1
            found = await session.execute(ListedRequest(categories.id, categories.text, {}))
            assert found == await ask(shop.client, categories.text, {}, {})
    async with Client(transport=sockets) as session:
        events = session.subscribe(GraphQLRequest(CHANGED, variable_values={"ids": [shop.variant]}))
        heard = asyncio.ensure_future(anext(events))
        await shop.watched(1)
        await shop.receive(2)
        shop.available += 2
        assert await heard == shop.changed()
        await events.aclose()
    await shop.watched(0)

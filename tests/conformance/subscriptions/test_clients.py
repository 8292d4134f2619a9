"""The clients people use: a query, a mutation, a persisted operation and a subscription by each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from gql import Client, GraphQLRequest
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

from gateway.supergraph.source import SupergraphFile
from tests.conformance.federation import FIXTURES
from tests.conformance.subscriptions.market import Market, changed, market
from tests.fixtures.clients.listed import ListedRequest
from tests.fixtures.clients.node import NPM_CLIENTS, install, node_client

QUERY = "query Product($id: ID!) { product(id: $id) { title tags } }"
MUTATION = "mutation SetPrice($price: Int!) { setPrice(id: 1 price: $price) { price product { title } } }"
PERSISTED = "query Listed($id: ID!) { product(id: $id) { title } }"
PERSISTED_ID = sha256(PERSISTED.encode()).hexdigest()
SUBSCRIPTION = "subscription Prices($id: ID!) { priceChanged(id: $id) { price product { title } } }"


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Market]:
    """One operation is listed: it runs by its id alone."""
    manifests = tmp_path_factory.mktemp("operations")
    listed(manifests)
    async with market({"persisted": {"directory": str(manifests), "clients": ["web"]}}) as shop:
        yield shop


def listed(folder: Path) -> None:
    operation = {"id": PERSISTED_ID, "name": "Listed", "type": "query", "body": PERSISTED}
    manifest = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [operation]}
    (folder / "web.json").write_text(json.dumps(manifest))


def scenario(shop: Market) -> dict[str, Any]:
    return {
        "url": shop.url,
        "headers": {},
        "query": {"query": QUERY, "variables": {"id": "1"}},
        "mutation": {"query": MUTATION, "variables": {"price": 7}},
        "persisted": {"id": PERSISTED_ID, "query": PERSISTED, "variables": {"id": "2"}},
        "subscription": {"query": SUBSCRIPTION, "variables": {"id": "1"}},
        "events": 2,
    }


@pytest.fixture(scope="session")
def npm_clients() -> None:
    install()


@pytest.mark.usefixtures("npm_clients")
@pytest.mark.parametrize("name", NPM_CLIENTS)
async def test_a_client_of_npm_queries_mutates_and_subscribes(shop: Market, name: str) -> None:
    async with node_client(name, scenario(shop)) as client:
        assert await client.answer() == ("query", {"data": {"product": {"title": "Lamp", "tags": ["new"]}}})
        assert await client.answer() == ("mutation", {"data": {"setPrice": {"price": 7, "product": {"title": "Lamp"}}}})
        assert await client.answer() == ("persisted", {"data": {"product": {"title": "Desk"}}})
        await shop.prices.until(1)
        shop.change(11)
        assert await client.answer() == ("event", changed(11))
        shop.change(12)
        assert await client.answer() == ("event", changed(12))
    await shop.prices.until(0)


@pytest.mark.usefixtures("npm_clients")
@pytest.mark.parametrize(("name", "told"), [("graphql-ws", False), ("graphql-sse", True), ("graphql-sse-single", True)])
async def test_a_client_comes_back_by_itself_after_a_new_supergraph(tmp_path: Path, name: str, told: bool) -> None:
    listed(tmp_path)
    path = tmp_path / "supergraph.graphql"
    old = (FIXTURES / "subscriptions" / "supergraph.graphql").read_text(encoding="utf-8")
    path.write_text(old)
    settings = {"watch": {"interval": 0.01}, "persisted": {"directory": str(tmp_path), "clients": ["web"]}}
    async with market(settings, file=SupergraphFile(path)) as shop:
        async with node_client(name, {**scenario(shop), "events": 3 if told else 2}) as client:
            assert [(await client.answer())[0] for _ in range(3)] == ["query", "mutation", "persisted"]
            await shop.prices.until(1)
            shop.change(11)
            assert await client.answer() == ("event", changed(11))
            path.write_text(old.replace("  lastPrice: Int!\n", "  lastPrice: Int\n"))
            if told:
                _, event = await client.answer()
                assert [error["extensions"]["code"] for error in event["errors"]] == ["SUPERGRAPH_CHANGED"]
            await shop.prices.until(1, opened=2)
            shop.change(12)
            assert await client.answer() == ("event", changed(12))
        await shop.prices.until(0)


async def test_gql_of_python_queries_mutates_and_subscribes(shop: Market) -> None:
    sockets = WebsocketsTransport(url=shop.url.replace("http", "ws", 1), init_payload={"headers": {}})
    for transport in (HTTPXAsyncTransport(url=shop.url), sockets):
        async with Client(transport=transport) as session:
            found = await session.execute(GraphQLRequest(QUERY, variable_values={"id": "1"}))
            assert found == {"product": {"title": "Lamp", "tags": ["new"]}}
            found = await session.execute(GraphQLRequest(MUTATION, variable_values={"price": 7}))
            assert found == {"setPrice": {"price": 7, "product": {"title": "Lamp"}}}
            assert await session.execute(ListedRequest(PERSISTED_ID, PERSISTED, {"id": "2"})) == {
                "product": {"title": "Desk"}
            }
    async with Client(transport=sockets) as session:
        events = session.subscribe(GraphQLRequest(SUBSCRIPTION, variable_values={"id": "1"}))
        heard = asyncio.ensure_future(anext(events))
        await shop.prices.until(1)
        shop.change(11)
        assert await heard == changed(11)["data"]
        shop.change(12)
        assert await anext(events) == changed(12)["data"]
        await events.aclose()
    await shop.prices.until(0)

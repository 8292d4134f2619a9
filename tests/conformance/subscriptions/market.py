"""A graph whose prices change: events from one subgraph, titles of the products in them from another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from gateway.supergraph.source import SupergraphFile
from tests.conformance.federation import Federation, federation, sdl
from tests.conformance.subgraph import Feed, Subgraph

PRICES = "subscription { priceChanged(id: 1) { price product { title } } }"
TITLES = {"1": "Lamp", "2": "Desk"}


@dataclass(frozen=True, slots=True)
class Market:
    """`prices`, `last` and `alerts` are the feeds of the subscription fields."""

    graph: Federation
    prices: Feed
    last: Feed
    alerts: Feed

    @property
    def url(self) -> str:
        return str(self.graph.client.base_url).rstrip("/") + "/graphql"

    def change(self, price: int, product: str = "1") -> None:
        self.prices.publish({"price": price, "product": {"id": product}})


@asynccontextmanager
async def market(
    settings: Mapping[str, Any] | None = None,
    *,
    file: SupergraphFile | None = None,
    set_price: Callable[..., Any] | None = None,
) -> AsyncIterator[Market]:
    feeds = {"priceChanged": Feed(), "lastPrice": Feed(), "myPriceAlert": Feed()}
    subgraphs = {
        "prices": Subgraph(
            sdl("subscriptions", "prices"),
            {
                "Query.quote": lambda _root, _info, **named: {"price": 10, "product": named},
                "Mutation.setPrice": set_price
                or (lambda _root, _info, **named: {"price": named["price"], "product": named}),
            },
            feeds=feeds,
        ),
        "products": Subgraph(
            sdl("subscriptions", "products"),
            {"Query.product": lambda _root, _info, **named: _product(named["id"])},
            {"Product": lambda representation: _product(representation["id"])},
        ),
    }
    async with federation("subscriptions", subgraphs, settings, file=file) as graph:
        yield Market(graph, *feeds.values())


def _product(id: str) -> dict[str, Any]:
    if id not in TITLES:
        raise KeyError(id)
    return {"__typename": "Product", "id": id, "title": TITLES[id], "tags": ["new"]}


def changed(price: int, title: str = "Lamp") -> dict[str, Any]:
    """The response to an event of `PRICES`."""
    return {"data": {"priceChanged": {"price": price, "product": {"title": title}}}}


@dataclass(frozen=True, slots=True)
class Socket:
    """A WebSocket that speaks in messages of `graphql-transport-ws`."""

    connection: ClientConnection

    async def say(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def hear(self) -> Any:
        async with asyncio.timeout(20):
            return json.loads(await self.connection.recv())

    async def subscribe(self, id: str, query: str, **payload: Any) -> None:
        await self.say(id=id, type="subscribe", payload={"query": query, **payload})

    async def closed(self) -> tuple[int | None, str | None]:
        """Wait for the close; gives its code and reason."""
        async with asyncio.timeout(20):
            await self.connection.wait_closed()
        return self.connection.close_code, self.connection.close_reason


@asynccontextmanager
async def socket(
    market: Market,
    init: Mapping[str, Any] | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    said: bool = True,
) -> AsyncIterator[Socket]:
    """A connection to the market's gateway, initialised with the payload `init` where that is `said`."""
    async with socket_to(market.url, init, headers=headers, said=said) as speaker:
        yield speaker


@asynccontextmanager
async def socket_to(
    url: str, init: Mapping[str, Any] | None = None, *, headers: Mapping[str, str] | None = None, said: bool = True
) -> AsyncIterator[Socket]:
    protocols, url = [Subprotocol("graphql-transport-ws")], url.replace("http", "ws", 1)
    async with connect(url, subprotocols=protocols, additional_headers=headers, proxy=None) as connection:
        speaker = Socket(connection)
        if said:
            await speaker.say(type="connection_init", **({} if init is None else {"payload": init}))
            assert await speaker.hear() == {"type": "connection_ack"}
        yield speaker

"""The floor: what the answers cost without GraphQL. A proxy written by hand for these two queries.

It makes the fetches that the gateway's plans have, over the gateway's transports on both sides, and knows by heart what to
read where. `projected` checks and shapes the answer by the functions that the gateway generates; `by-hand` trusts the data.

`python -m tests.performance.gateway.floor projected|by-hand PORT SUBGRAPHS_URL`
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import uvicorn
from graphql import parse
from starlette.types import Receive, Scope, Send

from gateway.executor.projection import Projection
from gateway.executor.subgraph_client import Endpoint, SubgraphClient
from gateway.http.collector import collect_rarely
from gateway.http.protocol import RawHeaders, direct_protocol
from gateway.planner.normalize import normalize
from gateway.supergraph.api_schema import build_api_schema
from gateway.supergraph.sdl import parse_supergraph
from tests.performance.gateway.graph import QUERIES, SUBGRAPHS, supergraph

Row = dict[str, Any]

_LAST = "reviews{id body product{__typename upc}}"
_AUTHOR = f"author{{id username __typename {_LAST}}}"
_SIMPLE = b'{"query":"{topProducts(first:5){upc name price weight}}","variables":{}}'
_USERS = b'{"query":"{users{id username name __typename}}","variables":{}}'
_TOP = b'{"query":"{topProducts(first:5){__typename upc name price weight}}","variables":{}}'


def _entities(selection: str) -> bytes:
    """The body up to the first representation, for one `_entities` field."""
    document = f"query($representations:[_Any!]!){{_entities(representations:$representations){{{selection}}}}}"
    return b'{"query":%b,"variables":{"representations":' % orjson.dumps(document)


_REVIEWS_DOCUMENT = (
    "query($r0:[_Any!]!,$r1:[_Any!]!){_e0:_entities(representations:$r0){"
    f"...on User{{reviews{{id body product{{__typename upc reviews{{id body {_AUTHOR}}}}}}}}}}} "
    f"_e1:_entities(representations:$r1){{...on Product{{reviews{{id body {_AUTHOR}}}}}}}}}"
)
_REVIEWS = b'{"query":%b,"variables":{' % orjson.dumps(_REVIEWS_DOCUMENT)
_STOCK = _entities("...on Product{inStock shippingEstimate}")
_PRODUCTS = _entities("...on Product{name price weight}")
_NAMES = _entities("...on User{name}")


def _body(prefix: bytes, representations: Iterable[Row]) -> bytes:
    return b"%b%b}}" % (prefix, orjson.dumps(list(representations)))


@dataclass(frozen=True, slots=True)
class _Fetched:
    """All that the requests for the deep query brought. `authors` are the objects of all authors, wherever they stand."""

    users: list[Row]
    top: list[Row]
    by_user: list[list[Row]]
    by_top: list[list[Row]]
    authors: list[Row]
    products: dict[str, Row]
    stock: dict[str, Row]
    names: dict[str, Row]


class Fetches:
    """The requests of both queries."""

    def __init__(self, base_url: str) -> None:
        self._client = SubgraphClient()
        headers = {"content-type": "application/json", "accept": "application/json"}
        self._endpoints = {name: Endpoint.of(f"{base_url}/{name}", headers=headers) for name in SUBGRAPHS}

    async def _ask(self, subgraph: str, body: bytes) -> Any:
        answer = await self._client.send(self._endpoints[subgraph], body)
        return orjson.loads(answer.body)["data"]

    async def simple(self) -> Row:
        data: Row = await self._ask("products", _SIMPLE)
        return data

    async def deep(self) -> _Fetched:
        accounts, products = await asyncio.gather(self._ask("accounts", _USERS), self._ask("products", _TOP))
        users, top = accounts["users"], products["topProducts"]
        top_keys = {p["upc"]: p for p in top}
        body = b'%b"r0":%b,"r1":%b}}' % (
            _REVIEWS,
            orjson.dumps([{"__typename": "User", "id": user["id"]} for user in users]),
            orjson.dumps([{"__typename": "Product", "upc": upc} for upc in top_keys]),
        )
        reviews, top_stock = await asyncio.gather(self._ask("reviews", body), self._stock(top_keys))
        by_user = [entity["reviews"] for entity in reviews["_e0"]]
        by_top = [entity["reviews"] for entity in reviews["_e1"]]
        authors = [r["author"] for rows in by_user for row in rows for r in row["product"]["reviews"]]
        authors += [r["author"] for rows in by_top for r in rows]
        upcs = {r["product"]["upc"]: None for rows in by_user for r in rows}
        upcs.update((r["product"]["upc"], None) for author in authors for r in author["reviews"])
        (products, stock), names = await asyncio.gather(
            self._products(upcs, top_stock), self._names({a["id"]: None for a in authors})
        )
        return _Fetched(users, top, by_user, by_top, authors, products, stock, names)

    async def _products(
        self, upcs: Mapping[str, None], known: Mapping[str, Row]
    ) -> tuple[dict[str, Row], dict[str, Row]]:
        body = _body(_PRODUCTS, ({"__typename": "Product", "upc": upc} for upc in upcs))
        products = _by_key(upcs, await self._ask("products", body))
        # What is in stock of some was asked before.
        stock = await self._stock({upc: product for upc, product in products.items() if upc not in known})
        return products, {**known, **stock}

    async def _stock(self, products: Mapping[str, Row]) -> dict[str, Row]:
        body = _body(_STOCK, (_priced(upc, product) for upc, product in products.items()))
        return _by_key(products, await self._ask("inventory", body))

    async def _names(self, identities: Mapping[str, None]) -> dict[str, Row]:
        body = _body(_NAMES, ({"__typename": "User", "id": identity} for identity in identities))
        return _by_key(identities, await self._ask("accounts", body))


def _by_key(keys: Iterable[str], data: Any) -> dict[str, Row]:
    return dict(zip(keys, data["_entities"], strict=True))


def _priced(upc: str, product: Row) -> Row:
    return {"__typename": "Product", "upc": upc, "price": product["price"], "weight": product["weight"]}


def _product(upc: str, product: Row, stock: Row) -> Row:
    return {
        "inStock": stock["inStock"],
        "name": product["name"],
        "price": product["price"],
        "shippingEstimate": stock["shippingEstimate"],
        "upc": upc,
        "weight": product["weight"],
    }


class Projected:
    """Merged by hand, projected by the functions that the gateway generates: every value is checked as the schema says."""

    def __init__(self, base_url: str) -> None:
        self._fetches = Fetches(base_url)
        schema = build_api_schema(parse_supergraph(supergraph(base_url)))
        deep = normalize(schema, parse(QUERIES["deep"]), None)
        author = ("reviews", "author", "reviews", "product")
        shared = frozenset({("users", "reviews", "product", *author), ("topProducts", *author)})
        self._simple = Projection(schema, normalize(schema, parse(QUERIES["simple"]), None))
        self._deep = Projection(schema, deep, shared=shared)

    async def simple(self) -> bytes:
        return orjson.dumps({"data": self._simple.project(await self._fetches.simple(), {}, ())[0]})

    async def deep(self) -> bytes:
        found = await self._fetches.deep()
        whole = {upc: {**product, **found.stock[upc]} for upc, product in found.products.items()}
        leaves = {upc: {"upc": upc, **product} for upc, product in whole.items()}
        for author in found.authors:
            author["name"] = found.names[author["id"]]["name"]
            for review in author["reviews"]:
                review["product"] = leaves[review["product"]["upc"]]
        for user, rows in zip(found.users, found.by_user, strict=True):
            user["reviews"] = rows
            for row in rows:
                row["product"].update(whole[row["product"]["upc"]])
        for product, rows in zip(found.top, found.by_top, strict=True):
            product.update(found.stock[product["upc"]], reviews=rows)
        tree = {"users": found.users, "topProducts": found.top}
        return orjson.dumps({"data": self._deep.project(tree, {}, ())[0]})


class ByHand:
    """Projected by hand as well: nothing is checked."""

    def __init__(self, base_url: str) -> None:
        self._fetches = Fetches(base_url)

    async def simple(self) -> bytes:
        data = await self._fetches.simple()
        top = [
            {"upc": p["upc"], "name": p["name"], "price": p["price"], "weight": p["weight"]}
            for p in data["topProducts"]
        ]
        return orjson.dumps({"data": {"topProducts": top}})

    async def deep(self) -> bytes:
        found = await self._fetches.deep()
        seen = _Seen(found.products, found.stock, found.names)
        users = [
            {
                "id": user["id"],
                "username": user["username"],
                "name": user["name"],
                "reviews": [
                    {"id": r["id"], "body": r["body"], "product": seen.product_with_reviews(r["product"])} for r in rows
                ],
            }
            for user, rows in zip(found.users, found.by_user, strict=True)
        ]
        top = [
            {**_product(p["upc"], p, found.stock[p["upc"]]), "reviews": seen.reviews_with_author(rows)}
            for p, rows in zip(found.top, found.by_top, strict=True)
        ]
        return orjson.dumps({"data": {"users": users, "topProducts": top}})


class _Seen:
    """Projects with what the entity fetches brought, by key."""

    def __init__(self, products: dict[str, Row], stock: dict[str, Row], names: dict[str, Row]) -> None:
        self._products = products
        self._stock = stock
        self._names = names

    def product(self, row: Row) -> Row:
        upc = row["upc"]
        return _product(upc, self._products[upc], self._stock[upc])

    def product_with_reviews(self, row: Row) -> Row:
        return {**self.product(row), "reviews": self.reviews_with_author(row["reviews"])}

    def reviews_with_author(self, rows: list[Row]) -> list[Row]:
        return [{"id": r["id"], "body": r["body"], "author": self._author(r["author"])} for r in rows]

    def _author(self, row: Row) -> Row:
        return {
            "id": row["id"],
            "username": row["username"],
            "name": self._names[row["id"]]["name"],
            "reviews": [
                {"id": r["id"], "body": r["body"], "product": self.product(r["product"])} for r in row["reviews"]
            ],
        }


class _FloorLane:
    """The floor on the lane that the gateway's server has for plain POSTs."""

    path = b"/graphql"
    body_limit = 1024 * 1024

    def __init__(self, floor: Projected | ByHand) -> None:
        self._floor = floor

    def sender(self, _raw: RawHeaders, _peer: tuple[str, int] | None) -> bool:
        return True

    def answer(self, _sender: bool, body: bytes) -> Awaitable[bytes]:
        return self._answer(body)

    async def _answer(self, body: bytes) -> bytes:
        answer = await (self._floor.deep() if "users" in orjson.loads(body)["query"] else self._floor.simple())
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(answer)
        return head + answer


async def _no_other(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise AssertionError("all that is asked here goes by the lane")


def main(arguments: list[str]) -> None:
    kind, port, base_url = arguments
    floor = Projected(base_url) if kind == "projected" else ByHand(base_url)
    collect_rarely()
    uvicorn.run(
        _no_other,
        port=int(port),
        loop="uvloop",
        http=direct_protocol(_FloorLane(floor)),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
    )


if __name__ == "__main__":
    main(sys.argv[1:])

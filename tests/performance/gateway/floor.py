"""The floor: what the answers cost without GraphQL. A proxy written by hand for these two queries.

It makes the fetches that the gateway's plans have, over the gateway's transport, and knows by heart what to read where.
`lean` serves on a bare HTTP server; `asgi` stands behind the gateway's own server with the same settings, which tells the
server's share from the gateway's.

`python -m tests.performance.gateway.floor lean|asgi PORT SUBGRAPHS_URL`
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import orjson
import uvicorn
from starlette.types import Receive, Scope, Send

from gateway.executor.subgraph_client import Endpoint, SubgraphClient
from tests.performance.gateway.graph import SUBGRAPHS
from tests.performance.gateway.lean_server import serve

Row = dict[str, Any]

_LAST = "reviews{id body product{__typename upc}}"
_AUTHOR = f"author{{id username __typename {_LAST}}}"
_SIMPLE = b'{"query":"{topProducts(first:5){upc name price weight}}","variables":{}}'
_USERS = b'{"query":"{users{id username name __typename}}","variables":{}}'
_TOP = b'{"query":"{topProducts(first:5){__typename upc name price weight}}","variables":{}}'


def _entities(*selections: str) -> bytes:
    """The body up to the first representations, for one aliased `_entities` field a selection."""
    names = ",".join(f"$r{n}:[_Any!]!" for n in range(len(selections)))
    fields = " ".join(f"_e{n}:_entities(representations:$r{n}){{{text}}}" for n, text in enumerate(selections))
    return b'{"query":%b,"variables":{' % orjson.dumps(f"query({names}){{{fields}}}")


_REVIEWS = _entities(
    f"... on User{{reviews{{id body product{{__typename upc reviews{{id body {_AUTHOR}}}}}}}}}",
    f"... on Product{{reviews{{id body {_AUTHOR}}}}}",
)
_STOCK_OF_TOP = _entities("... on Product{inStock shippingEstimate}")
_STOCK = _entities(*["... on Product{inStock shippingEstimate}"] * 3)
_PRODUCTS = _entities(*["... on Product{name price weight}"] * 3)
_NAMES = _entities(*["... on User{name}"] * 2)


def _body(prefix: bytes, *representations: Iterable[Row]) -> bytes:
    lists = (b'"r%d":%b' % (n, orjson.dumps(list(rows))) for n, rows in enumerate(representations))
    return b"%b%b}}" % (prefix, b",".join(lists))


class Floor:
    """`simple` and `deep` give the body of the answer."""

    def __init__(self, base_url: str) -> None:
        self._client = SubgraphClient()
        headers = {"content-type": "application/json", "accept": "application/json"}
        self._endpoints = {name: Endpoint.of(f"{base_url}/{name}", headers=headers) for name in SUBGRAPHS}

    async def _ask(self, subgraph: str, body: bytes) -> Any:
        answer = await self._client.send(self._endpoints[subgraph], body)
        return orjson.loads(answer.body)["data"]

    async def simple(self) -> bytes:
        data = await self._ask("products", _SIMPLE)
        top = [
            {"upc": p["upc"], "name": p["name"], "price": p["price"], "weight": p["weight"]}
            for p in data["topProducts"]
        ]
        return orjson.dumps({"data": {"topProducts": top}})

    async def deep(self) -> bytes:
        accounts, products = await asyncio.gather(self._ask("accounts", _USERS), self._ask("products", _TOP))
        users, top = accounts["users"], products["topProducts"]
        top_keys = {p["upc"]: p for p in top}
        body = _body(
            _REVIEWS,
            ({"__typename": "User", "id": user["id"]} for user in users),
            ({"__typename": "Product", "upc": upc} for upc in top_keys),
        )
        stock_body = _body(_STOCK_OF_TOP, (_priced(upc, p) for upc, p in top_keys.items()))
        reviews, top_stock = await asyncio.gather(self._ask("reviews", body), self._ask("inventory", stock_body))
        return orjson.dumps(await self._rest(users, top, reviews, top_stock["_e0"]))

    async def _rest(self, users: list[Row], top: list[Row], reviews: Any, top_stock: list[Row]) -> Row:
        by_user = [entity["reviews"] for entity in reviews["_e0"]]
        by_top = [entity["reviews"] for entity in reviews["_e1"]]
        near = {r["product"]["upc"]: None for rows in by_user for r in rows}
        authors = [r["author"] for rows in by_user for row in rows for r in row["product"]["reviews"]]
        top_authors = [r["author"] for rows in by_top for r in rows]
        far = {r["product"]["upc"]: None for author in authors for r in author["reviews"]}
        top_far = {r["product"]["upc"]: None for author in top_authors for r in author["reviews"]}
        (products, stock), names = await asyncio.gather(
            self._products(near, far, top_far),
            self._names({a["id"]: None for a in authors}, {a["id"]: None for a in top_authors}),
        )
        seen = _Seen(products, stock, names)
        return {
            "data": {
                "users": [
                    {
                        "id": user["id"],
                        "username": user["username"],
                        "name": user["name"],
                        "reviews": [
                            {"id": r["id"], "body": r["body"], "product": seen.product_with_reviews(r["product"])}
                            for r in rows
                        ],
                    }
                    for user, rows in zip(users, by_user, strict=True)
                ],
                "topProducts": [
                    {**_product(p["upc"], p, s), "reviews": seen.reviews_with_author(rows)}
                    for p, s, rows in zip(top, top_stock, by_top, strict=True)
                ],
            }
        }

    async def _products(self, *groups: Mapping[str, None]) -> tuple[dict[str, Row], dict[str, Row]]:
        body = _body(_PRODUCTS, *(({"__typename": "Product", "upc": upc} for upc in group) for group in groups))
        products = _by_key(groups, await self._ask("products", body))
        body = _body(_STOCK, *((_priced(upc, products[upc]) for upc in group) for group in groups))
        return products, _by_key(groups, await self._ask("inventory", body))

    async def _names(self, *groups: Mapping[str, None]) -> dict[str, Row]:
        body = _body(_NAMES, *(({"__typename": "User", "id": identity} for identity in group) for group in groups))
        return _by_key(groups, await self._ask("accounts", body))


def _by_key(groups: Iterable[Mapping[str, None]], data: Any) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for number, group in enumerate(groups):
        found.update(zip(group, data[f"_e{number}"], strict=True))
    return found


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


def _handler(floor: Floor) -> Callable[[str, bytes], Awaitable[bytes]]:
    def handle(_path: str, body: bytes) -> Awaitable[bytes]:
        return floor.deep() if "users" in orjson.loads(body)["query"] else floor.simple()

    return handle


def _asgi(handle: Callable[[str, bytes], Awaitable[bytes]]) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        body = await handle("", message["body"])
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def main(arguments: list[str]) -> None:
    kind, port, base_url = arguments
    handle = _handler(Floor(base_url))
    if kind == "lean":
        serve(int(port), handle)
        return
    uvicorn.run(
        _asgi(handle),
        port=int(port),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
    )


if __name__ == "__main__":
    main(sys.argv[1:])

"""What is asked: the four-subgraph graph of the public gateway benchmark, with data of our own at that benchmark's size.

The answer to the deep query has 77 KB, near the public benchmark's 87, so that figures compare.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.conformance.federation import FIXTURES, sdl
from tests.conformance.subgraph import Subgraph
from tests.conformance.test_benchmark import QUERY as DEEP_QUERY

SUBGRAPHS = ("accounts", "inventory", "products", "reviews")
SIMPLE_QUERY = "query Simple { topProducts(first: 5) { upc name price weight } }"
QUERIES = {"simple": SIMPLE_QUERY, "deep": DEEP_QUERY}
SDL_FILES = {name: FIXTURES / "benchmark" / f"{name}.graphql" for name in SUBGRAPHS}

_WORDS = "a chair that creaks on cold mornings and nobody in the house would ever part with "
USERS: dict[str, dict[str, Any]] = {
    str(n): {"id": str(n), "name": f"User number {n}", "username": f"user{n}", "birthday": 1990 + n} for n in range(6)
}
PRODUCTS: dict[str, dict[str, Any]] = {
    f"p{n}": {"upc": f"p{n}", "name": f"Product number {n}", "price": 400 * n, "weight": 100 + n} for n in range(9)
}
REVIEWS: list[dict[str, Any]] = [
    {"id": str(n), "body": f"{n}: {_WORDS * 3}", "author": USERS[str(n % 6)], "product": {"upc": f"p{n * 7 % 9}"}}
    for n in range(18)
]


def supergraph(base_url: str) -> str:
    """The composed supergraph with every subgraph at `<base_url>/<name>`."""
    text = (FIXTURES / "benchmark" / "supergraph.graphql").read_text(encoding="utf-8")
    for name in SUBGRAPHS:
        text = text.replace(f"http://{name}.test/graphql", f"{base_url}/{name}")
    return text


def write_supergraph(path: Path, base_url: str) -> Path:
    path.write_text(supergraph(base_url), encoding="utf-8")
    return path


def subgraphs() -> dict[str, Subgraph]:
    """The four subgraphs, executable. They serve the first request of each kind; `subgraph_server` keeps the answers."""
    return {
        "accounts": Subgraph(
            sdl("benchmark", "accounts"),
            {"Query.users": list(USERS.values()), "Query.me": USERS["0"]},
            {"User": lambda rep: {"__typename": "User", **USERS[rep["id"]]}},
        ),
        "inventory": Subgraph(
            sdl("benchmark", "inventory"),
            {
                "Product.inStock": lambda product, _info: in_stock(product),
                "Product.shippingEstimate": lambda product, _info: shipping_estimate(product),
            },
            {"Product": dict},
        ),
        "products": Subgraph(
            sdl("benchmark", "products"),
            {"Query.topProducts": lambda _root, _info, first: list(PRODUCTS.values())[:first]},
            {"Product": lambda rep: {"__typename": "Product", **PRODUCTS[rep["upc"]]}},
        ),
        "reviews": Subgraph(
            sdl("benchmark", "reviews"),
            {
                "User.reviews": lambda user, _info: reviews_by("author", "id", user["id"]),
                "Product.reviews": lambda product, _info: reviews_by("product", "upc", product["upc"]),
            },
            {"User": dict, "Product": dict},
        ),
    }


def in_stock(product: dict[str, Any]) -> bool:
    return bool(product["upc"] != "p3")


def shipping_estimate(product: dict[str, Any]) -> int:
    return 0 if product["price"] > 1000 else product["weight"] // 2


def reviews_by(side: str, key: str, value: str) -> list[dict[str, Any]]:
    return [review for review in REVIEWS if review[side][key] == value]


def expected(query: str) -> dict[str, Any]:
    """The right answer to one of `QUERIES`, read off the data without any GraphQL."""
    top = list(PRODUCTS)[:5]
    if query == "simple":
        return {"data": {"topProducts": [{k: PRODUCTS[u][k] for k in ("upc", "name", "price", "weight")} for u in top]}}
    return {"data": {"users": [_user(identity, 3) for identity in USERS], "topProducts": [_product(u, 2) for u in top]}}


def _user(identity: str, depth: int) -> dict[str, Any]:
    shown: dict[str, Any] = {name: USERS[identity][name] for name in ("id", "username", "name")}
    if depth:
        shown["reviews"] = [
            {"id": review["id"], "body": review["body"], "product": _product(review["product"]["upc"], depth - 1)}
            for review in reviews_by("author", "id", identity)
        ]
    return shown


def _product(upc: str, depth: int) -> dict[str, Any]:
    row = PRODUCTS[upc]
    shown = {"inStock": in_stock(row), "name": row["name"], "price": row["price"]}
    shown |= {"shippingEstimate": shipping_estimate(row), "upc": upc, "weight": row["weight"]}
    if depth:
        shown["reviews"] = [
            {"id": review["id"], "body": review["body"], "author": _user(review["author"]["id"], depth - 1)}
            for review in reviews_by("product", "upc", upc)
        ]
    return shown

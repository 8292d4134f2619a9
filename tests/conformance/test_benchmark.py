"""The four-subgraph graph of the public gateway benchmark, with data of our own, against a plain reading of that data."""

from __future__ import annotations

from typing import Any

from tests.conformance.federation import federation, sdl
from tests.conformance.subgraph import Subgraph

USERS: list[dict[str, Any]] = [
    {"id": str(n), "name": f"User {n}", "username": f"u{n}", "birthday": 1990 + n} for n in range(6)
]
PRODUCTS: list[dict[str, Any]] = [
    {"upc": f"p{n}", "name": f"Product {n}", "price": 400 * n, "weight": 100 + n} for n in range(9)
]
REVIEWS = [{"id": str(n), "body": f"Review {n}", "author": str(n % 6), "product": f"p{n * 7 % 9}"} for n in range(11)]

QUERY = """
fragment User on User { id username name }
fragment Review on Review { id body }
fragment Product on Product { inStock name price shippingEstimate upc weight }
query TestQuery {
  users {
    ...User
    reviews {
      ...Review
      product { ...Product reviews { ...Review author { ...User reviews { ...Review product { ...Product } } } } }
    }
  }
  topProducts(first: 5) {
    ...Product
    reviews { ...Review author { ...User reviews { ...Review product { ...Product } } } }
  }
}
"""


def estimate(price: int, weight: int) -> int:
    return 0 if price > 1000 else weight // 2


def subgraphs() -> dict[str, Subgraph]:
    users = {user["id"]: user for user in USERS}
    products = {product["upc"]: product for product in PRODUCTS}

    def review(row: dict[str, str]) -> dict[str, Any]:
        author = {"__typename": "User", "id": row["author"], "username": users[row["author"]]["username"]}
        return {"id": row["id"], "body": row["body"], "author": author, "product": {"upc": row["product"]}}

    def reviews(key: str, name: str) -> Any:
        return lambda owner, _info: [review(row) for row in REVIEWS if row[name] == owner[key]]

    def shipping(product: dict[str, Any], _info: object) -> int:
        return estimate(product["price"], product["weight"])

    return {
        "accounts": Subgraph(
            sdl("benchmark", "accounts"),
            {"Query.users": USERS, "Query.me": USERS[0]},
            {"User": lambda rep: {"__typename": "User", **users[rep["id"]]}},
        ),
        "inventory": Subgraph(
            sdl("benchmark", "inventory"),
            {"Product.inStock": lambda product, _info: product["upc"] != "p3", "Product.shippingEstimate": shipping},
            {"Product": dict},
        ),
        "products": Subgraph(
            sdl("benchmark", "products"),
            {"Query.topProducts": lambda _root, _info, first: PRODUCTS[:first]},
            {"Product": lambda rep: {"__typename": "Product", **products[rep["upc"]]}},
        ),
        "reviews": Subgraph(
            sdl("benchmark", "reviews"),
            {"User.reviews": reviews("id", "author"), "Product.reviews": reviews("upc", "product")},
            {"User": dict, "Product": dict, "Review": lambda rep: review(REVIEWS[int(rep["id"])])},
        ),
    }


def user(identity: str, depth: int) -> dict[str, Any]:
    row = USERS[int(identity)]
    shown: dict[str, Any] = {name: row[name] for name in ("id", "username", "name")}
    if depth:
        shown["reviews"] = [
            {"id": r["id"], "body": r["body"], "product": product(r["product"], depth - 1)}
            for r in REVIEWS
            if r["author"] == identity
        ]
    return shown


def product(upc: str, depth: int) -> dict[str, Any]:
    row: dict[str, Any] = next(p for p in PRODUCTS if p["upc"] == upc)
    shown = {"inStock": upc != "p3", "name": row["name"], "price": row["price"]}
    shown |= {"shippingEstimate": estimate(row["price"], row["weight"]), "upc": upc, "weight": row["weight"]}
    if depth:
        shown["reviews"] = [
            {"id": r["id"], "body": r["body"], "author": user(r["author"], depth - 1)}
            for r in REVIEWS
            if r["product"] == upc
        ]
    return shown


async def test_the_benchmarks_query_is_answered_exactly_in_seven_requests() -> None:
    async with federation("benchmark", subgraphs()) as graph:
        answer = await graph.ask(QUERY)
        assert answer == {
            "data": {
                "users": [user(row["id"], 3) for row in USERS],
                "topProducts": [product(row["upc"], 2) for row in PRODUCTS[:5]],
            }
        }
        assert sum(graph.counts.values()) <= 7


async def test_the_answer_is_the_same_when_the_operation_is_known() -> None:
    async with federation("benchmark", subgraphs()) as graph:
        first = await graph.client.post("/graphql", json={"query": QUERY})
        second = await graph.client.post("/graphql", json={"query": QUERY})
        assert first.content == second.content


async def test_an_operation_that_takes_longer_to_plan_than_it_may_is_refused_and_asks_nobody() -> None:
    # Given a bound that is over as soon as it is looked at
    async with federation("benchmark", subgraphs(), {"pipeline": {"planning_seconds": 1e-9}}) as graph:
        answer = await graph.ask(QUERY)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["PLAN_BUDGET_EXCEEDED"]
        assert "data" not in answer
        assert graph.counts == {}

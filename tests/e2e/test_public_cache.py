"""Public answers of the whole marketplace: kept by the gateway, evicted when something happens."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from shared.devstack.report import LOGINS_FILE
from shared.testing.eventually import eventually
from shared.testing.running_stack import RunningStack
from supergraph.demo.client import Client

PRODUCT = "query($id: ID!) { product(id: $id) { id title variants { id price { amount currency } } } }"
OWN = (
    "{ products(first: 2, filter: { status: [PUBLISHED] }) { edges { node { id variants { id price { amount } } } } } }"
)


@pytest.fixture
async def http(running_stack: RunningStack) -> AsyncIterator[httpx.AsyncClient]:
    base = running_stack.gateway_url.removesuffix("/graphql")
    async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=60) as client:
        yield client


async def test_a_price_is_seen_after_its_event_and_long_before_its_age(
    running_stack: RunningStack, http: httpx.AsyncClient
) -> None:
    # given two products of a seller that visitors have looked at, so that both are answered without their subgraph
    seller, visitor = Client(http, "seller"), Client(http, "visitor")
    await seller.sign_in(**_login(running_stack, "seller"))
    changed, witness = [edge["node"] for edge in (await seller.ask(OWN))["products"]["edges"]]

    async def warm() -> bool:
        return all([await _is_kept(running_stack, visitor, product["id"]) for product in (witness, changed)])

    await eventually("two products that are kept", warm)
    evicted = await _evicted(running_stack)

    # when the price of one of them changes
    variant, price = changed["variants"][0]["id"], changed["variants"][0]["price"]["amount"] + 1
    await seller.do("changePrice", "variant { id }", variantId=variant, price=price)

    # then a visitor comes to see it
    async def seen() -> bool:
        product = (await visitor.ask(PRODUCT, {"id": changed["id"]}))["product"]
        return any(item["id"] == variant and item["price"]["amount"] == price for item in product["variants"])

    await eventually("the new price", seen)
    # and not because the old one had become too old: the other product, which was kept before it, is kept still
    assert await _is_kept(running_stack, visitor, witness["id"])
    assert await _evicted(running_stack) - evicted == 3


async def test_a_visitors_page_may_be_kept_by_anybody_and_a_sellers_by_nobody(
    running_stack: RunningStack, http: httpx.AsyncClient
) -> None:
    query = {"query": "{ products(first: 3) { edges { node { id title seller { name } rating { count } } } } }"}
    visited = await http.post("/graphql", json=query)
    token = await http.post("/graphql", json=_login_mutation(_login(running_stack, "seller")))
    bearer = {"authorization": f"Bearer {token.json()['data']['login']['accessToken']}"}
    signed_in = await http.post("/graphql", json=query, headers=bearer)

    assert visited.json() == signed_in.json()
    kept = visited.headers["cache-control"]
    assert (kept.startswith("public, max-age="), signed_in.headers["cache-control"]) == (True, "private, no-store")


def _login(running_stack: RunningStack, role: str) -> dict[str, str]:
    logins = json.loads((running_stack.layout.secrets / LOGINS_FILE).read_text(encoding="utf-8"))
    login = next(login for login in logins if login["role"].startswith(role))
    return {"email": login["email"], "password": login["password"]}


def _login_mutation(login: dict[str, str]) -> dict[str, Any]:
    return {
        "query": "mutation($input: LoginInput!) { login(input: $input) { accessToken } }",
        "variables": {"input": login},
    }


async def _is_kept(running_stack: RunningStack, visitor: Client, product_id: str) -> bool:
    """Whether the product is answered without asking its subgraph."""
    before = await _asked(running_stack)
    await visitor.ask(PRODUCT, {"id": product_id})
    return await _asked(running_stack) == before


async def _asked(running_stack: RunningStack) -> float:
    catalog = running_stack.layout.register.get("catalog")
    return await _sum(catalog.api_operations_port, 'graphql_operations_total{domain="catalog"')


async def _evicted(running_stack: RunningStack) -> float:
    evictor = running_stack.layout.register.evictor
    assert evictor is not None
    return await _sum(evictor.port, 'edge_evictions_total{event="variant.price_changed"')


async def _sum(port: int, name: str) -> float:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))

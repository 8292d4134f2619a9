"""The whole marketplace, as `./task up` starts it, asked from outside."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from time import time
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from redis.asyncio import Redis

from gateway.security.internal_token import thumbprint
from shared.devstack.keys import GATEWAY_KEY
from shared.register import PROJECT_ROOT, Subgraph
from shared.testing.running_stack import RunningStack

PAGE = """{ products(first: 20) { edges { node { id title rating { count average } availability { available level }
  variants { id sku price { amount currency } } } } } }"""


@pytest.fixture(scope="module")
async def gateway(running_stack: RunningStack) -> AsyncIterator[httpx.AsyncClient]:
    base = running_stack.gateway_url.removesuffix("/graphql")
    async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=60) as client:
        yield client


async def ask(gateway: httpx.AsyncClient, query: str) -> Mapping[str, Any]:
    answer: Mapping[str, Any] = (await gateway.post("/graphql", json={"query": query})).json()
    assert "errors" not in answer, answer
    return answer["data"]  # type: ignore[no-any-return]


def test_the_story_is_played_to_its_end_and_every_figure_balances(running_stack: RunningStack) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "supergraph.demo"],
        env=os.environ | running_stack.environment,
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert "Every figure balances." in told.stdout
    assert "✗" not in told.stdout


async def test_a_seed_that_was_interrupted_goes_on_and_doubles_nothing(
    running_stack: RunningStack, gateway: httpx.AsyncClient
) -> None:
    query = "{ products(first: 100, sort: TITLE) { edges { node { id title availability { available } } } } }"
    before = await ask(gateway, query)

    again = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "supergraph.seed"),
        env=os.environ | running_stack.environment,
        cwd=PROJECT_ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    logins, _ = await again.communicate()

    assert again.returncode == 0
    assert [login["role"] for login in json.loads(logins)][:3] == ["admin", "support", "finance"]
    assert await ask(gateway, query) == before


async def test_a_page_of_twenty_products_costs_at_most_eight_statements_over_all_subgraphs(
    running_stack: RunningStack, gateway: httpx.AsyncClient
) -> None:
    # given a window of at least twenty products, and a Redis that has lost everything, public answers among it
    first = await ask(gateway, PAGE)
    assert len(first["products"]["edges"]) == 20
    assert all(edge["node"]["variants"] for edge in first["products"]["edges"])
    async with Redis.from_url(running_stack.environment["REDIS_URL"]) as redis:
        await redis.flushall()
    # when the page is asked for
    before = await statements(running_stack)
    await ask(gateway, PAGE)
    after = await statements(running_stack)
    # then all subgraphs together have sent at most eight statements
    cost = {domain: after[domain] - before[domain] for domain in after if after[domain] > before[domain]}
    assert 1 <= sum(cost.values()) <= 8, cost


async def test_no_subgraph_answers_anybody_but_the_gateway(running_stack: RunningStack) -> None:
    questions = (
        "{ __typename }",
        "{ _service { sdl } }",
        '{ _entities(representations: [{__typename: "X"}]) { __typename } }',
    )
    key = load_pem_private_key((running_stack.layout.secrets / GATEWAY_KEY).read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)

    def headers(audience: str, life: int) -> dict[str, str]:
        now = int(time())
        claims = {"iss": "marketplace-gateway", "aud": f"subgraph:{audience}", "iat": now, "exp": now + life}
        token = jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": thumbprint(key.public_key())})
        return {"authorization": f"Bearer {token}"}

    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:

        async def status(subgraph: Subgraph, question: str, sent: dict[str, str]) -> int:
            return (await client.post(subgraph.routing_url, json={"query": question}, headers=sent)).status_code

        statuses = {
            (subgraph.name, question, kind): await status(subgraph, question, sent)
            for subgraph in running_stack.layout.register.subgraphs
            for question in questions
            for kind, sent in {
                "none": {},
                "expired": headers(subgraph.name, -60),
                "another's": headers("nobody", 60),
                "good": headers(subgraph.name, 60),
            }.items()
        }
    refused = [status for (_, _, kind), status in statuses.items() if kind != "good"]
    assert (len(refused), set(refused)) == (81, {401})
    assert {status for (_, _, kind), status in statuses.items() if kind == "good"} == {200}


async def test_a_forged_access_token_is_refused_and_none_at_all_is_a_visitor(gateway: httpx.AsyncClient) -> None:
    forged = {"authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."}
    refused = await gateway.post("/graphql", json={"query": "{ me { id } }"}, headers=forged)
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (401, "INVALID_TOKEN")
    assert await ask(gateway, "{ me { id } __typename }") == {"me": None, "__typename": "Query"}


async def test_a_page_inside_of_each_item_of_a_page_is_refused(gateway: httpx.AsyncClient) -> None:
    nested = """{ products(first: 100) { edges { node { reviews(first: 100) { edges { node { rating } } } } } } }"""
    refused = (await gateway.post("/graphql", json={"query": nested})).json()
    assert refused["errors"][0]["extensions"]["code"] == "COST_LIMIT_EXCEEDED"
    assert "data" not in refused


async def test_introspection_shows_what_the_committed_api_says(gateway: httpx.AsyncClient) -> None:
    from_schema = await ask(gateway, "{ __schema { queryType { fields { name } } types { name } } }")
    names = {field["name"] for field in from_schema["__schema"]["queryType"]["fields"]}
    assert {"products", "me", "orders", "auditLog", "mySeller", "myNotifications"} <= names
    assert not {"_service", "_entities"} & names
    assert not [
        t["name"] for t in from_schema["__schema"]["types"] if t["name"].startswith(("join__", "link__", "_Entity"))
    ]


async def statements(running_stack: RunningStack) -> dict[str, float]:
    """SQL statements sent by each domain's API since it started, from its metrics."""
    counted: dict[str, float] = {}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        ports = {s.name: s.api_operations_port for s in running_stack.layout.register.subgraphs}
        pages = await asyncio.gather(*[client.get(f"http://127.0.0.1:{port}/metrics") for port in ports.values()])
    for name, page in zip(ports, pages, strict=True):
        line = f'sql_statements_total{{domain="{name}"}} '
        counted[name] = next(
            (float(row.removeprefix(line)) for row in page.text.splitlines() if row.startswith(line)), 0.0
        )
    return counted

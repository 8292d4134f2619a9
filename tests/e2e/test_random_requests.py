"""Random valid operations by everybody against the whole stack: whatever is sent, nothing breaks and nothing speaks of itself."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from random import Random
from typing import Any

import httpx
import pytest
from graphql import build_schema

from shared.devstack.report import LOGINS_FILE
from shared.testing.running_stack import RunningStack
from supergraph.composition import API_FILE
from tests.e2e.random_operations import Operations, RandomOperation

EXAMPLES = 200 if os.environ.get("TEST_DEPTH") == "deep" else 2
SCHEMA = build_schema(API_FILE.read_text(encoding="utf-8"))
BROKEN = {
    "INTERNAL_SERVER_ERROR",
    "SUBREQUEST_FAILED",
    "SUBGRAPH_UNAVAILABLE",
    "SUBGRAPH_CIRCUIT_OPEN",
    "INVALID_VALUE",
    "NON_NULL_VIOLATION",
}
TELLTALE = ("Traceback", "sqlalchemy", "asyncpg", 'File "', "postgresql", "SELECT ")
ENDS_THE_SESSION = {"logout", "logoutAll", "changePassword", "requestErasure"}
LOGIN = "mutation($input: LoginInput!) { login(input: $input) { accessToken } }"
THINGS = """{ products(first: 20) { edges { node { id variants { id } seller { id } } } }
  categories(first: 20) { edges { node { id } } } }"""


@pytest.fixture(scope="module")
async def callers(running_stack: RunningStack) -> AsyncIterator[Mapping[str, httpx.AsyncClient]]:
    """A client for each kind of demo login, and one for a visitor."""
    logins = json.loads((running_stack.layout.secrets / LOGINS_FILE).read_text(encoding="utf-8"))
    base = running_stack.gateway_url.removesuffix("/graphql")

    def client(headers: Mapping[str, str]) -> httpx.AsyncClient:
        # Its failed logins count by an address of its own.
        transport = httpx.AsyncHTTPTransport(local_address="127.0.2.1")
        return httpx.AsyncClient(transport=transport, base_url=base, timeout=60, headers=headers)

    clients = {"visitor": client({})}
    for login in logins:
        role = str(login["role"]).split()[0]
        if role not in clients:
            sent = {"query": LOGIN, "variables": {"input": {"email": login["email"], "password": login["password"]}}}
            token = (await clients["visitor"].post("/graphql", json=sent)).json()["data"]["login"]["accessToken"]
            clients[role] = client({"authorization": f"Bearer {token}"})
    yield clients
    for used in clients.values():
        await used.aclose()


def ids_in(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for item in value for found in ids_in(item)]
    if isinstance(value, dict):
        own = [value["id"]] if isinstance(value.get("id"), str) else []
        return own + [found for item in value.values() for found in ids_in(item)]
    return []


def operations(ids: list[str], random: Random) -> list[RandomOperation]:
    """Some for every root field, in an order of their own: some change what others read."""
    made = Operations(SCHEMA, ids, random)
    assert SCHEMA.query_type is not None
    assert SCHEMA.mutation_type is not None
    roots = [("query", name, field) for name, field in SCHEMA.query_type.fields.items()]
    roots += [
        ("mutation", name, field) for name, field in SCHEMA.mutation_type.fields.items() if name not in ENDS_THE_SESSION
    ]
    several = [made.operation(*root) for root in roots for _ in range(EXAMPLES)]
    random.shuffle(several)
    return several


async def test_no_operation_of_anybody_breaks_anything(callers: Mapping[str, httpx.AsyncClient]) -> None:
    things = (await callers["visitor"].post("/graphql", json={"query": THINGS})).json()
    ids = ids_in(things["data"])
    assert len(ids) > 20
    random = Random(4)
    asked = operations(ids, random)
    assert len(asked) >= 90 * EXAMPLES
    outcomes: Counter[str] = Counter()
    broken: list[tuple[str, str, Mapping[str, Any], Any]] = []
    for operation in asked:
        caller = random.choice(sorted(callers))
        sent = {"query": operation.text, "variables": operation.variables}
        answer = await callers[caller].post("/graphql", json=sent)
        codes = {error["extensions"]["code"] for error in answer.json().get("errors", [])}
        outcomes.update(codes or {"answered"})
        told = any(word in answer.text for word in TELLTALE)
        if answer.status_code >= 500 or codes & BROKEN or told or "GRAPHQL_VALIDATION_FAILED" in codes:
            broken.append((caller, operation.text, operation.variables, answer.json().get("errors")))
    assert broken == []
    assert outcomes["answered"] >= len(asked) // 4, outcomes

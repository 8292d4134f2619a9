"""Random valid operations by everybody against the whole stack: whatever is sent, nothing breaks and nothing speaks of itself.

They ask for what is there, by variables, as clients do. What Schemathesis adds is in `test_schemathesis`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

import httpx
import pytest
from graphql import build_schema

from shared.testing.running_stack import RunningStack
from supergraph.composition import API_FILE
from tests.e2e.callers import ENDS_THE_SESSION, clients_of, codes_in, what_broke
from tests.e2e.random_operations import Operations, RandomOperation

EXAMPLES = 200 if os.environ.get("TEST_DEPTH") == "deep" else 2
SCHEMA = build_schema(API_FILE.read_text(encoding="utf-8"))
THINGS = """{ products(first: 20) { edges { node { id variants { id } seller { id } } } }
  categories(first: 20) { edges { node { id } } } }"""


@pytest.fixture(scope="module")
def callers(running_stack: RunningStack) -> Iterator[Mapping[str, httpx.Client]]:
    clients = clients_of(running_stack, address="127.0.2.1")
    yield clients
    for client in clients.values():
        client.close()


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


def test_no_operation_of_anybody_breaks_anything(callers: Mapping[str, httpx.Client]) -> None:
    things = callers["visitor"].post("/graphql", json={"query": THINGS}).json()
    ids = ids_in(things["data"])
    assert len(ids) > 20
    random = Random(4)
    asked = operations(ids, random)
    assert len(asked) >= 90 * EXAMPLES
    outcomes: Counter[str] = Counter()
    broken: list[tuple[str, str, Mapping[str, Any], Any]] = []
    for operation in asked:
        caller = random.choice(sorted(callers))
        answer = callers[caller].post("/graphql", json={"query": operation.text, "variables": operation.variables})
        codes = codes_in(answer)
        outcomes.update(codes or {"answered"})
        if what_broke(answer) or "GRAPHQL_VALIDATION_FAILED" in codes:
            broken.append((caller, operation.text, operation.variables, answer.json().get("errors")))
    assert broken == []
    assert outcomes["answered"] >= len(asked) // 4, outcomes

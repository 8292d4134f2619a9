"""Schemathesis against the whole stack: documents that fit the schema, and ones that do not, by whoever may come.

It writes values into the document, of any alphabet and null, and breaks the schema's rules on purpose. It knows no row of the
data, so most of what it asks for does not exist: `test_random_requests` asks for what does, by variables.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
import schemathesis
from graphql import ExecutionResult, build_schema, get_introspection_query, parse
from graphql.execution import experimental_execute_incrementally
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.graphql import nodes
from schemathesis.schemas import APIOperation

from shared.testing.running_stack import RunningStack
from supergraph.composition import API_FILE
from tests.e2e.callers import ENDS_THE_SESSION, clients_of, what_broke

DEEP = os.environ.get("TEST_DEPTH") == "deep"
EXAMPLES = {GenerationMode.POSITIVE: 200 if DEEP else 2, GenerationMode.NEGATIVE: 50 if DEEP else 1}

schemathesis.graphql.scalar("DateTime", st.datetimes().map(lambda moment: nodes.String(f"{moment.isoformat()}Z")))
schemathesis.graphql.scalar("Cents", st.integers(min_value=-1, max_value=2**63).map(nodes.Int))


Operation = APIOperation[Any, Any, Any, Any]


def operations() -> dict[str, Operation]:
    """Every root field of what clients see, by name."""
    schema = build_schema(API_FILE.read_text(encoding="utf-8"))
    # Its own loader refuses a schema that knows @defer.
    described = experimental_execute_incrementally(schema, parse(get_introspection_query()))
    assert isinstance(described, ExecutionResult)
    assert described.data is not None
    # Without a configuration of its own it would look for one in the folders above.
    loaded = schemathesis.graphql.from_dict(described.data, config=SchemathesisConfig())
    return {found.ok().label: found.ok() for found in loaded.get_all_operations() if isinstance(found, Ok)}


OPERATIONS = operations()


@pytest.fixture(scope="module")
def callers(running_stack: RunningStack) -> Iterator[Mapping[str, httpx.Client]]:
    clients = clients_of(running_stack, address="127.0.2.2")
    yield clients
    for client in clients.values():
        client.close()


@pytest.mark.parametrize("label", OPERATIONS)
def test_nothing_that_schemathesis_sends_breaks_anything(callers: Mapping[str, httpx.Client], label: str) -> None:
    operation = OPERATIONS[label]
    may_ask = ["visitor"] if label.partition(".")[2] in ENDS_THE_SESSION else sorted(callers)
    for mode, examples in EXAMPLES.items():
        ask(operation, mode, examples, {name: callers[name] for name in may_ask})


def ask(operation: Operation, mode: GenerationMode, examples: int, callers: Mapping[str, httpx.Client]) -> None:
    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]

    @settings(max_examples=examples, database=None, suppress_health_check=quiet)
    @given(case=operation.as_strategy(generation_mode=mode), caller=st.sampled_from(sorted(callers)))
    def send(case: schemathesis.Case[Any], caller: str) -> None:
        answer = callers[caller].post("/graphql", json={"query": case.body})
        assert what_broke(answer) == [], (caller, case.body, answer.text)

    send()

"""The gateway against graphql-core: one schema over the same data, many federations, the same answers byte for byte."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from typing import Any
from zlib import crc32

import pytest
from graphql import GraphQLObjectType, parse

from gateway.cache.session import CacheSession
from gateway.errors import PlanError
from gateway.executor.compiled import compile_plan
from gateway.executor.execution import Execution
from gateway.executor.executor import Executor
from gateway.executor.projection import Projection
from gateway.executor.subgraph_client import Endpoint, HttpAnswer, SubgraphClient
from gateway.planner.normalize import normalize
from gateway.planner.plan import QueryPlan
from gateway.planner.planner import Planner
from gateway.supergraph.api_schema import build_api_schema
from gateway.supergraph.sdl import parse_supergraph
from tests.conformance.differential.cases import Case, random_case
from tests.conformance.differential.model import Federation
from tests.conformance.differential.printing import supergraph_sdl
from tests.conformance.differential.world import Monolith, StrictSubgraph

FEDERATIONS = 1500 if os.environ.get("TEST_DEPTH") == "deep" else 55
FEDERATIONS_WITH_CONTEXTS = 1500 if os.environ.get("TEST_DEPTH") == "deep" else 20


class InProcess(SubgraphClient):
    """Requests go to subgraphs in this process, by the host of their URL."""

    def __init__(self, subgraphs: Mapping[str, StrictSubgraph]) -> None:
        self._subgraphs = subgraphs
        self.asked = 0

    async def send(self, endpoint: Endpoint, body: bytes = b"", **_: Any) -> HttpAnswer:
        self.asked += 1
        # Answers come in an order that no plan has in it, and the same in every run.
        for _turn in range(crc32(body) % 4):
            await asyncio.sleep(0)
        return HttpAnswer(200, (), json.dumps(self._subgraphs[endpoint.host].answer(body)).encode())


class Gateway:
    """Planner, executor and projection over one federation under one set of active labels."""

    def __init__(
        self,
        federation: Federation,
        labels: frozenset[str],
        session: Callable[[QueryPlan], CacheSession] | None = None,
    ) -> None:
        self._session = session
        supergraph = parse_supergraph(supergraph_sdl(federation))
        names = [name for name, type_ in supergraph.schema.type_map.items() if isinstance(type_, GraphQLObjectType)]
        subgraphs = {graph: StrictSubgraph(federation, graph, labels) for graph in federation.graphs}
        self._labels = labels
        self._schema = build_api_schema(supergraph)
        self._planner = Planner(supergraph)
        self.client = InProcess(subgraphs)
        self._executor = Executor(
            self.client,
            {name: info.url for name, info in supergraph.subgraphs.items()},
            concrete_types=frozenset(names),
        )

    async def data(self, document: str, variables: Mapping[str, Any]) -> Any:
        """The `data` of the answer; errors fail."""
        operation = normalize(self._schema, parse(document), None)
        plan = self._planner.plan(operation, override_labels=self._labels)
        compiled = compile_plan(plan)
        execution = Execution(b"", self._session(plan) if self._session else None)
        await self._executor.execute(execution, compiled, variables, lambda _: b"")
        projection = Projection(self._schema, operation, shared=compiled.shared_places)
        data, errors = projection.project(execution.tree, variables, execution.errors)
        assert not execution.errors
        assert not errors, errors
        return data


async def _difference(gateway: Gateway, monolith: Monolith, document: str, variables: Mapping[str, Any]) -> str | None:
    expected = json.dumps(monolith.data(document, variables))
    try:
        given = json.dumps(await gateway.data(document, variables))
    except (AssertionError, PlanError, ExceptionGroup) as error:
        given = repr(error)
    return None if given == expected else f"{document}\n{variables}\n  expected {expected}\n  given    {given}"


async def _differences(case: Case) -> list[str]:
    gateway = Gateway(case.federation, case.labels)
    found = [await _difference(gateway, case.monolith, *operation) for operation in case.operations]
    return [difference for difference in found if difference is not None]


@pytest.mark.parametrize("seed", range(FEDERATIONS))
async def test_the_gateway_answers_as_one_schema_over_the_same_data_would(seed: int) -> None:
    # Given a federation and a schema without one, over the same data
    # When both are asked the same
    # Then they agree on everything, the order of fields included
    assert await _differences(random_case(seed)) == []


@pytest.mark.parametrize("seed", range(FEDERATIONS_WITH_CONTEXTS))
async def test_what_a_field_takes_from_above_is_what_stands_above_it_in_the_answer(seed: int) -> None:
    assert await _differences(random_case(seed, contexts=True)) == []

"""Deferred fragments in random operations: the first part is the answer without them, and all parts together are the answer."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
from graphql import parse

from gateway.errors import PlanError
from gateway.executor.incremental import IncrementalExecution, IncrementalPlan
from gateway.executor.subgraph_client import Endpoint, HttpAnswer
from gateway.pipeline.incremental import IncrementalResponses, first_payload
from gateway.pipeline.request import IncrementalFormat
from gateway.planner.normalize import normalize
from tests.conformance.differential.cases import random_case
from tests.conformance.differential.test_differential import Gateway, InProcess
from tests.fixtures.parts import Reader

FEDERATIONS = 1500 if os.environ.get("TEST_DEPTH") == "deep" else 25

_FRAGMENT = re.compile(r"\.\.\.(?: on \w+|F\d+)")


class Unhurried(InProcess):
    """Answers that come in an order of a seed."""

    def __init__(self, plain: InProcess, rnd: Random) -> None:
        super().__init__(plain._subgraphs)
        self._rnd = rnd

    async def send(self, endpoint: Endpoint, body: bytes = b"", **more: Any) -> HttpAnswer:
        for _ in range(self._rnd.randint(0, 6)):
            await asyncio.sleep(0)
        return await super().send(endpoint, body, **more)


def deferring(document: str, rnd: Random) -> str:
    """The document with some of its fragments deferred."""
    return _FRAGMENT.sub(lambda match: match[0] + rnd.choice([" @defer", " @defer", ""]), document)


async def parts(
    gateway: Gateway, document: str, variables: Mapping[str, Any], format_: IncrementalFormat, most: int
) -> Reader | None:
    """What a client makes of the parts of an answer; None where more than `most` fragments would be pending at once."""
    operation = normalize(gateway._schema, parse(document), None, deferring=frozenset())
    plan = IncrementalPlan(
        gateway._schema, gateway._planner.plan(operation, override_labels=gateway._labels), operation
    )
    execution = IncrementalExecution(gateway._executor, plan, variables, lambda _: b"", most=most)
    data, errors, delivery = await execution.first()
    assert not errors
    if delivery is None:
        await execution.close()
        return None
    reader = Reader(first_payload(data, errors, delivery, format_))
    if delivery.has_next:
        responses = IncrementalResponses(execution, format_, {})
        await anext(responses)
        async for response in responses:
            reader.take(response.payload)
    await execution.close()
    assert not execution.execution.errors
    return reader


@pytest.mark.parametrize("seed", range(FEDERATIONS))
async def test_the_parts_of_an_answer_are_the_answer(seed: int) -> None:
    # Given random operations of which random fragments are deferred; some federations have contexts
    case = random_case(seed, contexts=seed % 4 == 3)
    gateway = Gateway(case.federation, case.labels)
    rnd = Random(seed)
    client = Unhurried(gateway.client, rnd)
    for caller in gateway._executor._callers.values():
        caller._client = client
    for plain, variables in case.operations:
        document = deferring(plain, rnd)
        if "@defer" not in document:
            continue
        for format_ in IncrementalFormat:
            # When they are answered in parts, of which few may be pending at once, or many
            try:
                reader = await parts(gateway, document, variables, format_, rnd.randint(1, 3))
                reader = reader or await parts(gateway, document, variables, format_, 1000)
            except PlanError:
                continue
            assert reader is not None
            # Then the first part has all that is not deferred and nothing else, and in the end nothing is missing
            without = document.replace("@defer", "@skip(if: true)")
            assert reader.first == case.monolith.data(without, variables), document
            assert reader.data == case.monolith.data(plain, variables), document

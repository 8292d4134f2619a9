"""Holds the plan of every operation that a test asks a federation against its snapshot."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.federation import Federation
from tests.conformance.plan_snapshots import planned, read_plans, write_plans


@pytest.fixture(autouse=True)
def plans_are_as_before(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`UPDATE_PLANS=1` writes the plans anew; what has changed is then read in the diff."""
    asked: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    send = Federation.ask

    async def ask(self: Federation, query: str, *arguments: Any, **more: Any) -> Any:
        asked.setdefault((self.fixture, self.labels), []).append(query)
        return await send(self, query, *arguments, **more)

    monkeypatch.setattr(Federation, "ask", ask)
    yield
    for (fixture, labels), operations in asked.items():
        test = request.node.name + "".join(f" with {label}" for label in labels)
        plans, text = read_plans(fixture), planned(fixture, labels, operations)
        if os.environ.get("UPDATE_PLANS") == "1":
            write_plans(fixture, {**plans, test: text})
        else:
            assert plans.get(test, "") == text, "a plan is new or has changed; UPDATE_PLANS=1 writes it down"

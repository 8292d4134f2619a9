"""Every operation under `plans/<supergraph>/` against its plan as text.

`UPDATE_PLANS=1` writes the plans anew; what has changed is then read in the diff.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from graphql import parse, validate

from gateway.planner.normalize import normalize
from gateway.planner.planner import Planner
from gateway.planner.printer import print_plan
from gateway.supergraph.api_schema import build_api_schema
from gateway.supergraph.sdl import parse_supergraph

PLANS = Path(__file__).parent / "plans"
SUPERGRAPHS = Path(__file__).parents[3] / "fixtures" / "supergraphs"
CASES = sorted(str(path.relative_to(PLANS).with_suffix("")) for path in PLANS.glob("*/*.graphql"))


@pytest.mark.parametrize("case", CASES)
def test_an_operation_is_planned_as_its_snapshot_says(case: str) -> None:
    # Given a supergraph and an operation on it
    supergraph = parse_supergraph((SUPERGRAPHS / f"{Path(case).parent}.graphql").read_text())
    schema = build_api_schema(supergraph)
    document = parse((PLANS / f"{case}.graphql").read_text())
    assert validate(schema, document) == []

    # When it is planned
    plan = print_plan(Planner(supergraph).plan(normalize(schema, document, None)))

    # Then the plan reads as before
    snapshot = PLANS / f"{case}.plan"
    if os.environ.get("UPDATE_PLANS") == "1":
        snapshot.write_text(plan)
    assert plan == snapshot.read_text()

"""What is written down about the fixtures: no plan of a test that is gone, and a table of rules that is whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conformance.federation import FIXTURES
from tests.conformance.plan_snapshots import read_plans

NAMES = sorted(path.name for path in FIXTURES.iterdir())
TESTS = {
    name
    for file in Path(__file__).parent.rglob("test_*.py")
    for name in re.findall(r"def (test_\w+)", file.read_text(encoding="utf-8"))
}


@pytest.mark.parametrize("fixture", NAMES)
def test_no_plan_is_kept_for_a_test_that_is_gone(fixture: str) -> None:
    assert {re.split(r"\W", test)[0] for test in read_plans(fixture)} <= TESTS


def test_the_table_of_rules_names_every_fixture_and_what_it_names_is_there() -> None:
    room = Path(__file__).parent
    named = set(re.findall(r"`(\w+)`", (room / "README.md").read_text(encoding="utf-8")))

    assert set(NAMES) <= named
    assert {name for name in named if name.startswith("test_")} <= {path.stem for path in room.rglob("test_*.py")}

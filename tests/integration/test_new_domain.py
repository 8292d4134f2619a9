"""Adding a domain is one command: in a copy of the project it is scaffolded, checked, composed, migrated and queried."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from graphql import parse

from gateway.planner.normalize import normalize
from gateway.planner.planner import Planner
from gateway.planner.printer import print_plan
from gateway.supergraph.api_schema import build_api_schema
from gateway.supergraph.sdl import parse_supergraph
from shared.register import PROJECT_ROOT, load_register
from supergraph.new_domain import UnusableName, create_domain

ROOMS = ("gateway", "migrations", "shared", "subgraphs", "supergraph", "tests", "pyproject.toml")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project as it stands, the composer's packages included."""
    ignored = shutil.ignore_patterns("__pycache__", "node_modules", ".stack")
    for room in ROOMS:
        source = PROJECT_ROOT / room
        if source.is_dir():
            shutil.copytree(source, tmp_path / room, ignore=ignored)
        else:
            shutil.copy(source, tmp_path / room)
    (tmp_path / "supergraph" / "node_modules").symlink_to(PROJECT_ROOT / "supergraph" / "node_modules")
    return tmp_path


def run(project: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_scaffolded_domain_composes_and_answers(project: Path) -> None:
    # given a domain made by the command
    run(project, "supergraph.new_domain", "wishlists", "wishlist")
    # then the code is as the house wants it
    run(project, "ruff", "check", "subgraphs/wishlists", "tests/integration/wishlists")
    run(project, "ruff", "format", "--check", "subgraphs/wishlists", "tests/integration/wishlists")
    # and its containers are in the file, as they would be written again
    assert "\n  wishlists-worker:\n" in (project / "compose.yaml").read_text(encoding="utf-8")
    run(project, "shared.devstack.compose_file", "--check")
    # and it composes with all the others, and the gateway plans over it
    run(project, "supergraph.compose")
    composed = parse_supergraph((project / "supergraph" / "supergraph.graphql").read_text(encoding="utf-8"))
    schema = build_api_schema(composed)
    operation = normalize(schema, parse("{ myWishlists { edges { node { id title } } } }"), None)
    assert "wishlists" in print_plan(Planner(composed).plan(operation))
    assert load_register(project / "supergraph" / "supergraph.yaml").get("wishlists").port == 4110
    # and its own first test passes: migrated with the others, written to, listed, resolved as an entity
    assert "1 passed" in run(project, "pytest", "-q", "-p", "no:cacheprovider", "tests/integration/wishlists")


@pytest.mark.parametrize("name", ["orders", "Wishlists", "wish-lists", "", "1st"])
def test_a_name_that_is_taken_or_no_word_is_refused(project: Path, name: str) -> None:
    before = (project / "supergraph" / "supergraph.yaml").read_bytes()
    with pytest.raises(UnusableName):
        create_domain(project, name, "thing")
    assert (project / "supergraph" / "supergraph.yaml").read_bytes() == before
    assert not (project / "migrations" / "things").exists()

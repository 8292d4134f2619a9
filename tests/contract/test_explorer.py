"""The explorer of this marketplace: its examples can be served, its logins are the demo's, its vendored files are npm's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import orjson
import yaml
from graphql import OperationDefinitionNode, parse

from gateway.http.explorer import assets
from gateway.http.explorer.config import ExplorerConfig
from gateway.http.explorer.examples import Example, read_examples
from gateway.persisted.manifest import read_manifest
from shared.devstack.gateway_config import EXAMPLES
from supergraph.composition import SUPERGRAPH_FILE
from supergraph.manifests import SETTINGS_FILE, misfits
from supergraph.node_packages import find_node, install_packages
from supergraph.seed import demo_logins

ROOM = Path(assets.__file__).parent
CONFIG = ExplorerConfig.model_validate(yaml.safe_load(SETTINGS_FILE.read_text(encoding="utf-8"))["explorer"])
EXAMPLE_OPERATIONS = read_examples(EXAMPLES)


def test_every_example_and_the_sign_in_can_be_served_over_the_composed_supergraph() -> None:
    assert {example.kind for example in EXAMPLE_OPERATIONS} == {"query", "mutation", "subscription"}
    assert CONFIG.sign_in is not None
    texts = {example.name: example.text for example in EXAMPLE_OPERATIONS} | {"sign in": CONFIG.sign_in.document}
    listed = read_manifest("explorer", orjson.dumps(texts))
    assert [str(misfit) for misfit in misfits([listed], SUPERGRAPH_FILE.read_text(encoding="utf-8"))] == []


def test_every_example_is_ready_to_run() -> None:
    assert {example.name: missing for example in EXAMPLE_OPERATIONS if (missing := values_missing(example))} == {}
    assert [example.name for example in EXAMPLE_OPERATIONS if not example.description] == []


def values_missing(example: Example) -> set[str]:
    """Variables that somebody would have to fill in before the operation runs."""
    (operation,) = parse(example.text).definitions
    assert isinstance(operation, OperationDefinitionNode)
    without = {d.variable.name.value for d in operation.variable_definitions or () if d.default_value is None}
    return without - CONFIG.fresh_variables


def test_the_logins_of_the_sign_in_are_those_of_the_demo() -> None:
    assert CONFIG.sign_in is not None
    told = {(login.name, login.variables["email"], login.variables["password"]) for login in CONFIG.sign_in.logins}
    assert told == {(login["role"], login["email"], login["password"]) for login in demo_logins()}


def test_the_vendored_files_are_what_the_locked_packages_make(tmp_path: Path) -> None:
    install_packages(ROOM)
    subprocess.run([find_node(), str(ROOM / "build.mjs"), str(tmp_path)], check=True)
    made = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    committed = {file.name: file.read_bytes() for file in (ROOM / "vendor").iterdir()}
    assert sorted(made) == sorted(committed)
    assert [name for name in made if made[name] != committed[name]] == []

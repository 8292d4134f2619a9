"""Composes fixtures from the SDL of their subgraphs: `python -m tests.conformance.compose NAME...`."""

from __future__ import annotations

import sys

from supergraph.composition import Service, compose_services
from tests.conformance.federation import FIXTURES

SUPERGRAPH = "supergraph.graphql"


def composed(fixture: str) -> str:
    """The supergraph of a fixture's subgraphs. Raises CompositionFailed."""
    files = sorted(path for path in (FIXTURES / fixture).glob("*.graphql") if path.name != SUPERGRAPH)
    return compose_services(
        [Service(path.stem, f"http://{path.stem}.test/graphql", path.read_text(encoding="utf-8")) for path in files]
    )


if __name__ == "__main__":
    for name in sys.argv[1:]:
        (FIXTURES / name / SUPERGRAPH).write_text(composed(name), encoding="utf-8")

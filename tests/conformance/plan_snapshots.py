"""The plans of all operations that the tests ask of a fixture, as text beside its SDL: `fixtures/<name>/plans.txt`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from graphql import GraphQLError, parse, validate

from gateway.errors import GatewayError
from gateway.pipeline.labels import OverrideLabels
from gateway.planner.normalize import normalize
from gateway.planner.planner import Planner
from gateway.planner.printer import print_plan
from gateway.supergraph.api_schema import build_api_schema
from gateway.supergraph.sdl import Supergraph, parse_supergraph
from tests.conformance.federation import FIXTURES

_TEST, _OPERATION = "## ", "> "


def plans_file(fixture: str) -> Path:
    """Where the plans of a fixture are kept."""
    return FIXTURES / fixture / "plans.txt"


def planned(fixture: str, labels: Sequence[str], operations: Sequence[str]) -> str:
    """The plans of operations as text; empty where all are refused before they are planned.

    As if everything were granted to whoever asks, and for every set of override labels that a request may draw.
    """
    supergraph = parse_supergraph((FIXTURES / fixture / "supergraph.graphql").read_text(encoding="utf-8"))
    possible = OverrideLabels(supergraph, labels).possible()
    return "\n".join(
        text
        for operation in dict.fromkeys(operations)
        for active in possible
        if (text := _plan(supergraph, active, operation))
    )


def _plan(supergraph: Supergraph, labels: frozenset[str], operation: str) -> str:
    schema = build_api_schema(supergraph)
    try:
        document = parse(operation)
        if validate(schema, document):
            return ""
        plan = print_plan(Planner(supergraph).plan(normalize(schema, document, None), override_labels=labels))
    except (GraphQLError, GatewayError):
        return ""
    asked = "\n".join(f"{_OPERATION}{line}" for line in operation.strip().splitlines())
    under = f"with {', '.join(sorted(labels))}\n" if labels else ""
    return f"{asked}\n{under}{plan}"


def read_plans(fixture: str) -> dict[str, str]:
    """By test the plans of what it asks."""
    file = plans_file(fixture)
    found: dict[str, list[str]] = {}
    test = ""
    for line in file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else ():
        if line.startswith(_TEST):
            test = line.removeprefix(_TEST).strip()
        else:
            found.setdefault(test, []).append(line)
    return {test: "".join(lines).strip("\n") + "\n" for test, lines in found.items()}


def write_plans(fixture: str, plans: dict[str, str]) -> None:
    """Keep the plans of a fixture, by test in alphabetical order."""
    parts = [f"{_TEST}{test}\n\n{text}" for test, text in sorted(plans.items()) if text]
    plans_file(fixture).write_text("\n".join(parts), encoding="utf-8")


def operations(fixture: str) -> Iterator[str]:
    """The operations whose plans are kept."""
    lines: list[str] = []
    for text in read_plans(fixture).values():
        for line in (*text.splitlines(), ""):
            if line.startswith(_OPERATION):
                lines.append(line.removeprefix(_OPERATION))
            elif lines:
                yield "\n".join(lines)
                lines.clear()

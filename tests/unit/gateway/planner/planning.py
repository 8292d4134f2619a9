"""Plans over small supergraphs that a test writes down itself."""

from __future__ import annotations

from graphql import parse, validate

from gateway.planner.budget import MAX_STEPS
from gateway.planner.normalize import normalize
from gateway.planner.operation import Operation
from gateway.planner.plan import QueryPlan
from gateway.planner.planner import Planner
from gateway.supergraph.api_schema import build_api_schema
from gateway.supergraph.sdl import Supergraph, parse_supergraph


def supergraph_of(types: str, *, subgraphs: str = "a b c") -> Supergraph:
    """A supergraph with join directives on `types`; the graph of a subgraph `a` is `A`."""
    graphs = " ".join(
        f'{name.upper()} @join__graph(name: "{name}", url: "http://{name}.test/graphql")' for name in subgraphs.split()
    )
    return parse_supergraph(f"enum join__Graph {{ {graphs} }}\n{types}")


def operation_of(supergraph: Supergraph, query: str, name: str | None = None) -> Operation:
    """The normal form of a query that is valid for clients of the supergraph."""
    schema = build_api_schema(supergraph)
    document = parse(query)
    assert validate(schema, document) == []
    return normalize(schema, document, name)


def plan_of(types: str, query: str, *, labels: frozenset[str] = frozenset(), max_steps: int = MAX_STEPS) -> QueryPlan:
    """The plan of a query over a supergraph of `types`."""
    supergraph = supergraph_of(types)
    planner = Planner(supergraph, max_steps=max_steps)
    return planner.plan(operation_of(supergraph, query), override_labels=labels)


def documents(plan: QueryPlan) -> list[tuple[str, str]]:
    """Subgraph and document of each fetch, in order."""
    return [(fetch.subgraph, fetch.document) for fetch in plan.fetches]

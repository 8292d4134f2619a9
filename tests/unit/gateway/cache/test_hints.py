"""@cacheControl as subgraphs write it and composers pass it on."""

from __future__ import annotations

import pytest
from graphql import parse

from gateway.cache.hints import CacheHints, Hint
from gateway.cache.policy import CacheRules
from gateway.planner.normalize import normalize
from gateway.planner.planner import Planner
from gateway.supergraph.api_schema import build_api_schema
from gateway.supergraph.sdl import Supergraph, parse_supergraph

SDL = """
schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) {
  query: Query
}
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: join__FieldSet) repeatable on OBJECT
scalar join__FieldSet
enum join__Graph { A @join__graph(name: "a", url: "http://a.test/") }
type Query @join__type(graph: A) { shop: Shop %s }
type Shop @join__type(graph: A, key: "id") { id: ID! name: String %s place: Place @cacheControl(maxAge: 30) }
type Place @join__type(graph: A) %s { street: String town: String %s }
"""


def supergraph(root: str = "", name: str = "", place: str = "", town: str = "") -> Supergraph:
    return parse_supergraph(SDL % (root, name, place, town))


@pytest.mark.parametrize(
    ("directives", "expected"),
    [
        ("", None),
        ("@cacheControl(maxAge: 60)", Hint(60)),
        ("@cacheControl(maxAge: 60, scope: PUBLIC)", Hint(60)),
        ("@cacheControl(maxAge: 60, scope: PRIVATE)", Hint(60, private=True)),
        ("@cacheControl(scope: TEAM)", Hint(private=True)),
        ("@cacheControl(inheritMaxAge: true)", Hint(inherits=True)),
        # Several subgraphs: the strictest.
        ("@cacheControl(maxAge: 60) @cacheControl(maxAge: 20)", Hint(20)),
        ("@cacheControl(maxAge: 60) @cacheControl(scope: PRIVATE)", Hint(60, private=True)),
        ("@cacheControl(inheritMaxAge: true) @cacheControl(maxAge: 20)", Hint(20)),
        ('@join__directive(graphs: [A], name: "cacheControl", args: {maxAge: 40})', Hint(40)),
        ('@join__directive(graphs: [A], name: "other", args: {maxAge: 40})', None),
    ],
)
def test_a_hint_is_read_from_every_shape_it_comes_in(directives: str, expected: Hint | None) -> None:
    assert CacheHints(supergraph(name=directives)).of_field("Shop", "name") == expected


def age(selection: str, **hints: str) -> int | None:
    """For how long `{ shop { … } }` may be kept; None if not at all."""
    graph = supergraph(**hints)
    operation = normalize(build_api_schema(graph), parse(f"{{ shop {{ {selection} }} }}"), None)
    policies = CacheRules(graph, lambda *_: False, lambda _: True).of(Planner(graph).plan(operation))
    return next((policy.policies[0].max_age for policy in policies.values() if policy.policies[0]), None)


HOUR = "@cacheControl(maxAge: 3600)"


@pytest.mark.parametrize(
    ("selection", "hints", "expected"),
    [
        ("name", {"root": HOUR}, None),
        ("name", {"root": HOUR, "name": "@cacheControl(inheritMaxAge: true)"}, 3600),
        ("name", {"root": HOUR, "name": "@cacheControl(scope: PUBLIC)"}, None),
        ("name", {"name": "@cacheControl(maxAge: 5)"}, None),
        ("place { street }", {"root": HOUR}, 30),
        ("place { town }", {"root": HOUR, "town": "@cacheControl(maxAge: 7)"}, 7),
        ("place { town }", {"root": HOUR, "town": "@cacheControl(scope: PRIVATE)"}, None),
        # A field's own hint counts before its type's, but not against its privacy.
        ("place { street }", {"root": HOUR, "place": "@cacheControl(maxAge: 9)"}, 30),
        ("place { street }", {"root": HOUR, "place": "@cacheControl(maxAge: 9, scope: PRIVATE)"}, None),
    ],
)
def test_a_hint_speaks_for_a_value_up_to_the_next_entity(
    selection: str, hints: dict[str, str], expected: int | None
) -> None:
    assert age(selection, **hints) == expected

"""A supergraph says the same whatever its links call the directives of the specifications."""

from __future__ import annotations

import pytest
from graphql import GraphQLSchema, print_schema

from gateway.security.access_rules import AccessRules, Requirement
from gateway.supergraph.api_schema import build_api_schema
from gateway.supergraph.costs import Costs, ListSize
from gateway.supergraph.sdl import parse_supergraph

NAMES = ("inaccessible", "authenticated", "requiresScopes", "policy", "context", "cost", "listSize", "tag")

PLAIN = dict(zip(NAMES, NAMES, strict=True))
IMPORTED = {name: f"x{name}" for name in NAMES}
PREFIXED = {name: f"f__{name}" for name in NAMES}

LINKED = ("inaccessible", "authenticated", "requiresScopes", "policy", "context", "cost", "tag")


def specification(name: str) -> str:
    return f"https://specs.apollo.dev/{name}/v0.1"


def supergraph_text(names: dict[str, str], links: str, join: str = "join") -> str:
    called = {name: f"@{other}" for name, other in names.items()}
    return f"""
schema @link(url: "https://specs.apollo.dev/link/v1.0") {links} {{ query: Query }}
enum {join}__Graph {{ A @{join}__graph(name: "a", url: "http://a.test") }}
scalar {join}__FieldSet
scalar policy__Policy
type Query @{join}__type(graph: A) {{
  open: Shop
  secret: String {called["inaccessible"]}
  mine: String {called["authenticated"]}
  scoped: String {called["requiresScopes"]}(scopes: [["a"]])
  ruled: String {called["policy"]}(policies: [["p"]])
  dear: String {called["cost"]}(weight: 50)
  many: [Shop] {called["listSize"]}(assumedSize: 3)
  labelled: String {called["tag"]}(name: "t")
}}
type Shop @{join}__type(graph: A) {called["context"]}(name: "a__shop") {{ id: ID }}
"""


def imports(names: dict[str, str]) -> str:
    of = {"cost": ("cost", "listSize")}
    return " ".join(
        f'@link(url: "{specification(linked)}", import: ['
        + ", ".join(f'{{name: "@{name}", as: "@{names[name]}"}}' for name in of.get(linked, (linked,)))
        + "])"
        for linked in LINKED
    )


def prefixes() -> str:
    return " ".join(f'@link(url: "{specification(linked)}", as: "p{linked}")' for linked in LINKED)


def everything(text: str) -> tuple[object, ...]:
    supergraph = parse_supergraph(text)
    rules = AccessRules(supergraph)
    needed: dict[str, Requirement] = {
        name: rules.of_field("Query", name) for name in ("open", "mine", "scoped", "ruled", "dear")
    }
    schema: GraphQLSchema = build_api_schema(supergraph)
    return (needed, supergraph.costs, dict(supergraph.contexts), dict(supergraph.types), print_schema(schema))


WITHOUT_LINKS = everything(supergraph_text(PLAIN, ""))


@pytest.mark.parametrize(
    "text",
    [
        supergraph_text(PLAIN, imports(PLAIN)),
        supergraph_text(IMPORTED, imports(IMPORTED)),
        supergraph_text(PREFIXED, imports(PREFIXED)),
        supergraph_text({name: f"p{name}" for name in NAMES} | {"listSize": "pcost__listSize"}, prefixes()),
        supergraph_text({name: f"p{name}__{name}" for name in NAMES} | {"listSize": "pcost__listSize"}, prefixes()),
        supergraph_text(PLAIN, '@link(url: "https://specs.apollo.dev/join/v0.5", as: "j", for: EXECUTION)', "j"),
        supergraph_text(PLAIN, '@core(feature: "https://specs.apollo.dev/join/v0.1", as: "j")', "j"),
    ],
    ids=["plain", "imported", "imported with a prefix", "as", "as, with the prefix", "join", "join by @core"],
)
def test_all_that_is_read_of_a_supergraph_follows_its_links(text: str) -> None:
    assert everything(text) == WITHOUT_LINKS


def test_what_is_read_is_all_of_it() -> None:
    needed, costs, contexts, types, schema = WITHOUT_LINKS
    assert needed == {
        "open": frozenset(),
        "mine": frozenset([frozenset([frozenset(["authenticated"])])]),
        "scoped": frozenset([frozenset([frozenset(["scope:a"])])]),
        "ruled": frozenset([frozenset([frozenset(["policy:p"])])]),
        "dear": frozenset(),
    }
    assert costs == Costs({"Query.dear": 50}, {"Query.many": ListSize(assumed=3)})
    assert contexts == {"a__shop": ("Shop",)}
    assert isinstance(types, dict)
    assert set(types) == {"Query", "Shop"}
    assert "secret" not in str(schema)
    assert "__" not in str(schema)


def test_a_name_that_its_link_gives_to_nothing_is_nothing_but_what_protects_holds() -> None:
    links = imports(IMPORTED) + f' @link(url: "{specification("policy")}", as: "p")'
    needed, costs, _, _, schema = everything(supergraph_text(PLAIN, links))
    assert (needed, schema) == (WITHOUT_LINKS[0], WITHOUT_LINKS[4])
    # @cost bears its specification's name, which no import takes away.
    assert costs == Costs({"Query.dear": 50}, {})


def test_a_link_that_is_no_core_specification_renames_nothing() -> None:
    foreign = '@link(url: "https://example.com/cost/v0.1", import: [{name: "@cost", as: "@dear"}])'
    assert everything(supergraph_text(PLAIN, foreign)) == WITHOUT_LINKS

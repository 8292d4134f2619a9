"""What the access directives of a supergraph ask for, by concrete type and field."""

from __future__ import annotations

import pytest

from gateway.security.access_rules import AccessRules, atoms, satisfied
from gateway.supergraph.sdl import parse_supergraph

HEAD = """
schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION) LINKS {
  query: Query
}
enum join__Graph { A @join__graph(name: "a", url: "http://a") B @join__graph(name: "b", url: "http://b") }
"""


def rules(text: str, links: str = "") -> AccessRules:
    return AccessRules(parse_supergraph(HEAD.replace("LINKS", links) + text))


def test_a_supergraph_without_rules_is_open() -> None:
    found = rules("type Query @join__type(graph: A) { a: String }")
    assert found.grants == frozenset()
    assert found.of_field("Query", "a") == frozenset()


def test_all_directives_of_a_place_must_hold() -> None:
    found = rules(
        """type Query @join__type(graph: A) {
          a: String @authenticated @requiresScopes(scopes: [["x", "y"], ["z"]]) @policy(policies: [["p"]])
        }"""
    )
    needed = found.of_field("Query", "a")
    assert atoms(needed) == {"authenticated", "scope:x", "scope:y", "scope:z", "policy:p"}
    assert satisfied(needed, frozenset({"authenticated", "scope:z", "policy:p"}))
    assert not satisfied(needed, frozenset({"authenticated", "scope:x", "policy:p"}))
    assert not satisfied(needed, frozenset({"scope:z", "policy:p"}))


def test_no_alternative_at_all_is_open_to_nobody() -> None:
    found = rules("type Query @join__type(graph: A) { a: String @requiresScopes(scopes: []) }")
    assert not satisfied(found.of_field("Query", "a"), frozenset({"authenticated"}))


@pytest.mark.parametrize(
    ("link", "directive"),
    [
        ('@link(url: "https://specs.apollo.dev/authenticated/v0.1", as: "signedIn", for: SECURITY)', "@signedIn"),
        (
            '@link(url: "https://specs.apollo.dev/authenticated/v0.1", import: [{name: "@authenticated", as: "@in"}])',
            "@in",
        ),
        ("", '@join__directive(graphs: [A], name: "authenticated")'),
        ("", '@join__directive(graphs: [A], name: "policy", args: {policies: [["p"]]})'),
    ],
)
def test_renamed_and_wrapped_directives_hold(link: str, directive: str) -> None:
    found = rules(f"type Query @join__type(graph: A) {{ a: String {directive} }}", link)
    assert not satisfied(found.of_field("Query", "a"), frozenset())


INTERFACES = """
type Query @join__type(graph: A) {{ nodes: [Node] }}
interface Node @join__type(graph: A) {interface} {{ id: ID! name: String {name} }}
type One implements Node @join__type(graph: A) @join__implements(graph: A, interface: "Node") {one} {{
  id: ID! name: String {one_name}
}}
type Two implements Node @join__type(graph: A) @join__implements(graph: A, interface: "Node") {{ id: ID! name: String }}
"""


def interfaces(interface: str = "", name: str = "", one: str = "", one_name: str = "") -> AccessRules:
    return rules(INTERFACES.format(interface=interface, name=name, one=one, one_name=one_name))


def test_a_rule_that_an_interface_sums_up_binds_only_the_object_types_it_comes_from() -> None:
    found = interfaces(interface="@authenticated", one="@authenticated")
    assert not satisfied(found.of_field("One", "id"), frozenset())
    assert satisfied(found.of_field("Two", "id"), frozenset())


def test_a_rule_of_an_interface_that_no_object_type_accounts_for_binds_them_all() -> None:
    found = interfaces(interface="@authenticated", name='@requiresScopes(scopes: [["x"]])', one_name="@authenticated")
    for type_name in ("One", "Two"):
        assert atoms(found.of_field(type_name, "id")) == {"authenticated"}
        assert atoms(found.of_field(type_name, "name")) == {"authenticated", "scope:x"}


def test_a_field_asks_for_what_its_value_and_its_requirements_ask_for() -> None:
    found = rules(
        """
        type Query @join__type(graph: A) @join__type(graph: B) { item: Item kind: Kind }
        enum Kind @join__type(graph: A) @policy(policies: [["k"]]) { X }
        type Box @join__type(graph: A) @join__type(graph: B) { size: Int @requiresScopes(scopes: [["size"]]) lid: Int }
        type Item @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
          id: ID!
          box: Box @join__field(graph: A) @join__field(graph: B, external: true)
          volume: Int @join__field(graph: B, requires: "box { size }")
          doubled: Int @join__field(graph: A, requires: "volume")
          lid: Int @join__field(graph: B, requires: "box { lid }")
        }
        """
    )
    assert atoms(found.of_field("Query", "kind")) == {"policy:k"}
    assert atoms(found.of_field("Item", "volume")) == {"scope:size"}
    assert atoms(found.of_field("Item", "doubled")) == {"scope:size"}
    assert atoms(found.of_field("Item", "lid")) == frozenset()


def test_a_field_asks_for_what_its_context_arguments_are_read_from() -> None:
    found = rules(
        """
        type Query @join__type(graph: A) { a: Holder }
        interface Holder @join__type(graph: A) @context(name: "a__h") { items: [Item] }
        type One implements Holder @join__type(graph: A) { items: [Item] name: String @requiresScopes(scopes: [["name"]]) }
        type Two implements Holder @join__type(graph: A) { items: [Item] name: String }
        type Item @join__type(graph: A, key: "id") {
          id: ID!
          owner: String @join__field(graph: A, contextArguments: [
            {context: "a__h", name: "name", type: "String", selection: "... on One { name } ... on Two { name }"}
          ])
          other: String @join__field(graph: A, contextArguments: [
            {context: "a__h", name: "name", type: "String", selection: "... on Two { name }"}
          ])
        }
        interface Priced @join__type(graph: A, key: "id") @join__type(graph: B, key: "id", isInterfaceObject: true) {
          id: ID!
          price: Int @join__field(graph: B, contextArguments: [
            {context: "a__h", name: "name", type: "String", selection: "... on One { name }"}
          ])
        }
        type Thing implements Priced @join__implements(graph: A, interface: "Priced") @join__type(graph: A, key: "id") {
          id: ID! price: Int @join__field
        }
        """
    )
    # Then whoever may not read it of one object may not read the field, be it only an interface that computes it
    assert atoms(found.of_field("Item", "owner")) == {"scope:name"}
    assert atoms(found.of_field("Thing", "price")) == {"scope:name"}
    assert atoms(found.of_field("Item", "other")) == frozenset()

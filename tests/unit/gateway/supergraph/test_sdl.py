from __future__ import annotations

import pytest

from gateway.errors import SupergraphError
from gateway.supergraph.context_arguments import ContextArgument
from gateway.supergraph.field_set import FieldSetItem, parse_field_set
from gateway.supergraph.sdl import KeyInfo, SubgraphInfo, parse_supergraph

GRAPHS = (
    'enum join__Graph { A @join__graph(name: "accounts", url: "http://a.test") B @join__graph(name: "b-2", url: "") }\n'
)


def test_subgraphs_go_by_their_names() -> None:
    supergraph = parse_supergraph(GRAPHS + "type Query @join__type(graph: A) { a: Int }")

    assert supergraph.subgraphs == {
        "accounts": SubgraphInfo("accounts", "http://a.test"),
        "b-2": SubgraphInfo("b-2", ""),
    }


def test_a_type_may_have_several_keys_in_a_subgraph() -> None:
    supergraph = parse_supergraph(
        GRAPHS
        + """
    type Query @join__type(graph: A) { user: User }
    type User @join__type(graph: A, key: "id") @join__type(graph: A, key: "org { id } name", resolvable: false) { id: ID! }
    """
    )

    assert supergraph.types["User"].joins["accounts"].keys == (
        KeyInfo(parse_field_set("id")),
        KeyInfo((FieldSetItem("org", selections=(FieldSetItem("id"),)), FieldSetItem("name")), resolvable=False),
    )


def test_a_field_without_join_field_is_everywhere_and_one_without_a_graph_nowhere() -> None:
    supergraph = parse_supergraph(
        GRAPHS
        + """
    type Query @join__type(graph: A) { everywhere: Int nowhere: Int @join__field here: Int @join__field(graph: B) }
    """
    )
    fields = supergraph.types["Query"].fields

    assert fields["everywhere"].joins is None
    assert fields["nowhere"].joins == {}
    assert list(fields["here"].joins or ()) == ["b-2"]


def test_value_types_of_the_oldest_specification_are_in_every_subgraph() -> None:
    supergraph = parse_supergraph(GRAPHS + "type Query { point: Point @join__field(graph: A) } type Point { x: Int }")

    assert sorted(supergraph.types["Point"].joins) == ["accounts", "b-2"]


def test_fields_of_an_entity_belong_to_its_owner_in_the_oldest_specification() -> None:
    # Given a type with an owner, as join v0.1 writes it
    supergraph = parse_supergraph(
        GRAPHS
        + """
    type Query { user: User @join__field(graph: A) }
    type User @join__owner(graph: A) @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
      id: ID! @join__field(graph: A) name: String score: Int @join__field(graph: B)
    }
    """
    )
    user = supergraph.types["User"]

    # Then a field that names no graph is the owner's, and the others extend the type
    assert {name: list(item.joins or ()) for name, item in user.fields.items()} == {
        "id": ["accounts"],
        "name": ["accounts"],
        "score": ["b-2"],
    }
    assert {graph: join.is_extension for graph, join in user.joins.items()} == {"accounts": False, "b-2": True}


def test_a_context_is_set_by_all_objects_of_the_types_that_carry_it() -> None:
    supergraph = parse_supergraph(
        GRAPHS
        + """
    schema { query: Query mutation: Mutation }
    type Query @join__type(graph: A) @context(name: "accounts__q") { user: User }
    type Mutation @join__type(graph: A) @context(name: "accounts__q") { a: Int }
    interface Node @join__type(graph: A) @context(name: "accounts__n") { id: ID }
    type User implements Node @join__type(graph: A) @context(name: "accounts__u") { id: ID
      a: Int @join__field(graph: A, contextArguments: [
        {context: "accounts__n", name: "x", type: "[ID!]", selection: " ... on User { id } ... on Cat { name }"}
        {context: "accounts__u", name: "y", type: "ID", selection: "{ id }"}
      ])
    }
    type Cat implements Node @join__type(graph: A) { id: ID name: ID }
    union Pet @join__type(graph: A) @context(name: "accounts__u") = Cat
    """
    )

    # Then an interface and a union stand for their object types, and nothing is ever read by mutating
    assert supergraph.carriers("accounts__n") == {"User", "Cat"}
    assert supergraph.carriers("accounts__u") == {"User", "Cat"}
    assert supergraph.carriers("accounts__q") == {"Query"}
    assert (supergraph.types["User"].fields["a"].joins or {})["accounts"].contexts == (
        ContextArgument("x", "[ID!]", "accounts__n", (FieldSetItem("id", on="User"), FieldSetItem("name", on="Cat"))),
        ContextArgument("y", "ID", "accounts__u", (FieldSetItem("id"),)),
    )


def test_an_interface_field_that_an_interface_object_requires_is_external_there() -> None:
    # Given a file that does not say so, as composers write it
    supergraph = parse_supergraph(
        GRAPHS
        + """
    type Query @join__type(graph: A) { node: Node }
    interface Node @join__type(graph: A, key: "id") @join__type(graph: B, key: "id", isInterfaceObject: true) {
      id: ID! name: String greeting: String @join__field(graph: B, requires: "name")
    }
    """
    )
    fields = supergraph.types["Node"].fields

    # Then only the other subgraph answers it
    assert {graph: join.external for graph, join in (fields["name"].joins or {}).items()} == {
        "accounts": False,
        "b-2": True,
    }
    assert fields["id"].joins is None


@pytest.mark.parametrize(
    ("types", "message"),
    [
        (
            """type Query @join__type(graph: A) {
              a: Int @join__field(graph: A, contextArguments: [
                {context: "a__c", name: "b", type: "Int", selection: "{ c("}
              ])
            }""",
            "Query.a: \"{ c(\" is no selection of a context: Syntax Error: Expected Name, found '}'.",
        ),
        ("type Query @join__type(graph: C) { a: Int }", "Query names the graph C, which join__Graph does not have."),
        (
            "type Query @join__type(graph: A) { a: Int @join__field(graph: C) }",
            "Query.a names the graph C, which join__Graph does not have.",
        ),
        (
            'type Query @join__type(graph: A) { a: Int @join__field(graph: A, requires: "b {") }',
            'Query.a (@requires): "b {" is no field set: Syntax Error: Expected Name, found <EOF>.',
        ),
    ],
)
def test_a_broken_supergraph_is_refused_by_type_and_field(types: str, message: str) -> None:
    with pytest.raises(SupergraphError) as refusal:
        parse_supergraph(GRAPHS + types)

    assert refusal.value.message == message


@pytest.mark.parametrize("text", ["type Query {", "type Query { a: Int }"])
def test_what_is_no_supergraph_is_refused(text: str) -> None:
    with pytest.raises(SupergraphError):
        parse_supergraph(text)


def test_a_field_set_keeps_arguments_and_type_conditions() -> None:
    assert parse_field_set('price(currency: "EUR", at: 1) ... on Book { isbn } price(at: 1, currency: "EUR")') == (
        FieldSetItem("price", '(at:1,currency:"EUR")'),
        FieldSetItem("isbn", on="Book"),
    )

"""Rules of federation that came out by holding the gateway against one schema over the same data."""

from __future__ import annotations

from tests.unit.gateway.planner.planning import documents, plan_of


def test_what_one_subgraph_knows_too_little_of_is_asked_of_another_from_each_concrete_type() -> None:
    # Given an object without a key, of which two subgraphs know different fields, below one type of an interface
    types = """
    type Query @join__type(graph: A) @join__type(graph: B) { shelf: Work @join__field(graph: A) }
    interface Work @join__type(graph: A) { id: ID! }
    type Book implements Work @join__implements(graph: A, interface: "Work")
      @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! cover: Cover }
    type Film implements Work @join__implements(graph: A, interface: "Work") @join__type(graph: A) { id: ID! }
    type Cover @join__type(graph: A) @join__type(graph: B) {
      colour: String @join__field(graph: A) size: Int @join__field(graph: B)
    }
    """

    # When both of its fields are asked for
    plan = plan_of(types, "{ shelf { ... on Book { cover { colour size } } } }")

    # Then the book is entered anew for the second
    assert documents(plan) == [
        ("a", "query{shelf{__typename ...on Book{cover{colour} id}}}"),
        ("b", "query($representations:[_Any!]!){_entities(representations:$representations){...on Book{cover{size}}}}"),
    ]


def test_the_way_to_what_a_subgraph_knows_may_lead_over_one_that_knows_too_little() -> None:
    # Given a book known by its interface only, whose type one subgraph tells, and whose cover's size another knows
    types = """
    type Query @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) { works: [Work] @join__field(graph: A) }
    interface Work @join__type(graph: A, key: "id", isInterfaceObject: true) @join__type(graph: B, key: "id") { id: ID! }
    type Book implements Work @join__implements(graph: B, interface: "Work")
      @join__type(graph: B, key: "id") @join__type(graph: C, key: "id") { id: ID! cover: Cover }
    type Film implements Work @join__implements(graph: B, interface: "Work") @join__type(graph: B, key: "id") { id: ID! }
    type Cover @join__type(graph: B) @join__type(graph: C) {
      colour: String @join__field(graph: B) size: Int @join__field(graph: C)
    }
    """

    plan = plan_of(types, "{ works { ... on Book { cover { size } } } }")

    # Then the first of them is asked for the type, and the second for the cover
    assert [fetch.subgraph for fetch in plan.fetches] == ["a", "b", "c"]
    assert plan.fetches[2].document.endswith("{...on Book{cover{size}}}}")

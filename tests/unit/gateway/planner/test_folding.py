"""Equal selections on different types become one where nobody can tell."""

from __future__ import annotations

from gateway.planner.budget import Budget
from gateway.planner.folding import fold
from tests.unit.gateway.planner.planning import operation_of, plan_of, supergraph_of

PETS = supergraph_of("""
type Query @join__type(graph: A) { pets: [Pet] }
interface Pet @join__type(graph: A) { name(short: Boolean): String age: Int friend: Pet }
type Cat implements Pet @join__type(graph: A) @join__implements(graph: A, interface: "Pet") {
  name(short: Boolean): String age: Int friend: Pet
}
type Dog implements Pet @join__type(graph: A) @join__implements(graph: A, interface: "Pet") {
  name(short: Boolean): String age: Int friend: Pet
}
""")


def folded(query: str) -> list[tuple[str, list[str]]]:
    """Response key and types of what is left below `pets`."""
    (pets,) = fold(operation_of(PETS, query), Budget()).selections
    return [(each.response_key, sorted(each.types)) for each in pets.selections or ()]


def test_equal_selections_in_equal_order_become_one() -> None:
    assert folded("{ pets { ... on Cat { name age } ... on Dog { name age } } }") == [
        ("name", ["Cat", "Dog"]),
        ("age", ["Cat", "Dog"]),
    ]


def test_a_selection_moves_only_past_those_of_other_types() -> None:
    # Given an order of fields that differs between the types
    fields = folded("{ pets { ... on Cat { name age } ... on Dog { age name } } }")

    # Then one of the fields stays apart, and each type keeps its order
    assert fields == [("name", ["Cat"]), ("age", ["Cat", "Dog"]), ("name", ["Dog"])]


def test_selections_move_back_as_well() -> None:
    fields = folded("{ pets { ... on Cat { age name } ... on Dog { a: age name } } }")

    assert fields == [("age", ["Cat"]), ("a", ["Dog"]), ("name", ["Cat", "Dog"])]


def test_what_differs_in_arguments_conditions_or_below_stays_apart() -> None:
    assert folded("{ pets { ... on Cat { name(short: true) } ... on Dog { name(short: false) } } }") == [
        ("name", ["Cat"]),
        ("name", ["Dog"]),
    ]
    assert folded("query($x: Boolean!) { pets { ... on Cat { age } ... on Dog { age @skip(if: $x) } } }") == [
        ("age", ["Cat"]),
        ("age", ["Dog"]),
    ]
    assert folded("{ pets { ... on Cat { friend { age } } ... on Dog { friend { name } } } }") == [
        ("friend", ["Cat"]),
        ("friend", ["Dog"]),
    ]


def test_folding_goes_from_the_inside_out() -> None:
    fields = folded("""{ pets {
        ... on Cat { friend { ... on Cat { age } ... on Dog { age } } }
        ... on Dog { friend { age } }
    } }""")

    assert fields == [("friend", ["Cat", "Dog"])]


def test_an_operation_without_anything_to_fold_stays_the_same_object() -> None:
    operation = operation_of(PETS, "{ pets { name ... on Cat { age } } }")

    assert fold(operation, Budget()) is operation


def test_what_only_works_type_by_type_is_planned_type_by_type() -> None:
    # Given two subgraphs that return the same object, each of which can go on with one of its types alone
    types = """
    type Query @join__type(graph: A) @join__type(graph: B) { pet: Pet }
    interface Pet @join__type(graph: A) @join__type(graph: B) { legs: Int }
    type Cat implements Pet @join__implements(graph: A, interface: "Pet") @join__implements(graph: B, interface: "Pet")
      @join__type(graph: A) @join__type(graph: B) @join__type(graph: C, key: "id") {
      id: ID! @join__field(graph: A) @join__field(graph: C) age: Int @join__field(graph: C)
      legs: Int @join__field(graph: A) @join__field(graph: B)
    }
    type Dog implements Pet @join__implements(graph: A, interface: "Pet") @join__implements(graph: B, interface: "Pet")
      @join__type(graph: A) @join__type(graph: B) @join__type(graph: C, key: "code") {
      code: ID! @join__field(graph: B) @join__field(graph: C) age: Int @join__field(graph: C)
      legs: Int @join__field(graph: A) @join__field(graph: B)
    }
    """

    # When both types are asked for the same field
    plan = plan_of(types, "{ pet { ... on Cat { age } ... on Dog { age } } }")

    # Then there is a plan, as there is for types that are asked for different fields
    assert [fetch.subgraph for fetch in plan.fetches] == ["a", "b", "c"]


def test_types_that_projection_tells_apart_are_found_out_even_if_all_are_asked_the_same() -> None:
    # Given a subgraph that knows an interface only
    types = """
    type Query @join__type(graph: A) @join__type(graph: B) { pets: [Pet] @join__field(graph: B) }
    interface Pet @join__type(graph: A, key: "id") @join__type(graph: B, key: "id", isInterfaceObject: true) {
      id: ID! age: Int @join__field(graph: B)
    }
    type Cat implements Pet @join__implements(graph: A, interface: "Pet") @join__type(graph: A, key: "id") {
      id: ID! age: Int @join__field
    }
    type Dog implements Pet @join__implements(graph: A, interface: "Pet") @join__type(graph: A, key: "id") {
      id: ID! age: Int @join__field
    }
    """

    # When its objects are asked type by type for one and the same
    plan = plan_of(types, "{ pets { ... on Cat { age } ... on Dog { age } } }")

    # Then somebody is asked of which type they are
    assert "a" in [fetch.subgraph for fetch in plan.fetches]

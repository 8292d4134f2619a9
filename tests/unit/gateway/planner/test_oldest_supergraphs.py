"""Supergraphs of join v0.1, where every entity has an owner and all other subgraphs extend it."""

from __future__ import annotations

from tests.unit.gateway.planner.planning import documents, plan_of

STORE = """
type Query { product: Product @join__field(graph: A) reviews: [Review] @join__field(graph: B) }
type Product @join__owner(graph: A) @join__type(graph: A, key: "upc") @join__type(graph: A, key: "sku")
  @join__type(graph: B, key: "upc") @join__type(graph: C, key: "sku") {
  upc: ID! @join__field(graph: A) sku: ID! @join__field(graph: A) name: String @join__field(graph: A) weight: Int
  reviews: [Review] @join__field(graph: B)
  freight: Int @join__field(graph: C, requires: "weight")
}
type Review @join__owner(graph: B) @join__type(graph: B, key: "id") {
  id: ID! @join__field(graph: B)
  product: Product @join__field(graph: B, provides: "name")
  other: Product @join__field(graph: B)
  size: Size
}
type Size { width: Int }
"""


def test_a_subgraph_that_extends_an_entity_answers_its_key() -> None:
    plan = plan_of(STORE, "{ reviews { other { upc } size { width } } }")

    assert documents(plan) == [("b", "query{reviews{other{upc} size{width}}}")]


def test_what_the_owner_answers_is_asked_of_the_owner() -> None:
    plan = plan_of(STORE, "{ reviews { product { name } other { name } } }")

    assert documents(plan) == [
        ("b", "query{reviews{product{name} other{__typename upc}}}"),
        ("a", "query($representations:[_Any!]!){_entities(representations:$representations){...on Product{name}}}"),
    ]


def test_a_field_that_requires_another_goes_by_way_of_the_owner() -> None:
    plan = plan_of(STORE, "{ reviews { other { freight } } }")

    assert [fetch.subgraph for fetch in plan.fetches] == ["b", "a", "c"]
    assert documents(plan)[1][1].endswith("{...on Product{sku weight}}}")

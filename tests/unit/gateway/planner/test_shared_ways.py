"""Of several ways to the same the one is taken that the rest of the operation goes as well."""

from __future__ import annotations

from tests.unit.gateway.planner.planning import documents, plan_of

ITEMS = """
type Query @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) {
  items: [Item] @join__field(graph: A) @join__field(graph: B)
}
type Item @join__type(graph: A, key: "id") @join__type(graph: A, key: "code") @join__type(graph: B, key: "id name")
  @join__type(graph: C, key: "code") {
  id: ID! @join__field(graph: A) @join__field(graph: B)
  name: String @join__field(graph: A) @join__field(graph: B)
  code: ID! @join__field(graph: A) @join__field(graph: C)
  size: Int @join__field(graph: A)
  weight: Int @join__field(graph: B) @join__field(graph: C, external: true)
  cost: Int @join__field(graph: C, requires: "weight")
}
"""

BOXES = """
type Query @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) { box: Box @join__field(graph: A) }
type Box @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") @join__type(graph: C, key: "id") {
  id: ID!
  first: Thing @join__field(graph: B) @join__field(graph: C)
}
union Thing @join__type(graph: B) @join__type(graph: C) @join__unionMember(graph: B, member: "Pen")
  @join__unionMember(graph: C, member: "Pen") @join__unionMember(graph: C, member: "Cup") = Pen | Cup
type Pen @join__type(graph: B) @join__type(graph: C) { ink: Int }
type Cup @join__type(graph: C) { volume: Int }
"""


def test_a_way_that_costs_a_field_more_alone_is_taken_where_it_saves_a_request() -> None:
    # Given a computed field that is reached from the root of b by one field less than from that of a
    plan = plan_of(ITEMS, "{ items { size cost } }")

    # Then a is asked for the list once and for all, because it has to be asked for the size anyway
    assert [fetch.subgraph for fetch in plan.fetches] == ["a", "b", "c"]


def test_a_member_that_not_every_subgraph_knows_is_asked_of_none_behind_an_entity_call_too() -> None:
    plan = plan_of(BOXES, "{ box { first { ... on Pen { ink } ... on Cup { volume } } } }")

    assert documents(plan)[1][1].endswith("{...on Box{first{__typename ...on Pen{ink}}}}}")

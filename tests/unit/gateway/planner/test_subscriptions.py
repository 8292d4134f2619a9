"""Plans of subscriptions: one source stream first, and all the rest after it."""

from __future__ import annotations

import pytest

from gateway.errors import PlanError
from tests.unit.gateway.planner.planning import documents, plan_of

EVENTS = """
schema { query: Query subscription: Subscription }
type Query @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) { now: Int @join__field(graph: B) }
type Subscription @join__type(graph: A) @join__type(graph: B) {
  changed(id: ID!): Change @join__field(graph: A)
  told: Telling
}
type Change @join__type(graph: A) { by: Int product: Product query: Query }
type Telling @join__type(graph: A) @join__type(graph: B) {
  one: Int @join__field(graph: A)
  two: Int @join__field(graph: B)
}
type Product @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") @join__type(graph: C, key: "id") {
  id: ID!
  stock: Int @join__field(graph: B)
  stars: Int @join__field(graph: C)
}
"""


def test_the_first_fetch_is_the_source_and_every_other_one_waits_for_it() -> None:
    plan = plan_of(EVENTS, "subscription($id: ID!) { changed(id: $id) { by product { stock stars } query { now } } }")

    entities = "query($representations:[_Any!]!){_entities(representations:$representations){...on Product{%s}}}"
    assert documents(plan) == [
        ("a", "subscription($id:ID!){changed(id:$id){by product{__typename id} query{__typename}}}"),
        ("b", entities % "stock"),
        ("c", entities % "stars"),
        ("b", "query{now}"),
    ]
    assert [(fetch.kind, fetch.after) for fetch in plan.fetches] == [
        ("subscription", frozenset()),
        ("query", frozenset({0})),
        ("query", frozenset({0})),
        ("query", frozenset({0})),
    ]


def test_events_that_several_subgraphs_would_have_to_send_together_are_refused() -> None:
    assert documents(plan_of(EVENTS, "subscription { told { two } }")) == [("b", "subscription{told{two}}")]
    with pytest.raises(PlanError) as refused:
        plan_of(EVENTS, "subscription { told { one two } }")
    assert refused.value.code == "OPERATION_UNPLANNABLE"

"""Plans with deferred fragments: what is not deferred waits for nothing that is, and nothing is fetched twice."""

from __future__ import annotations

from graphql import parse, validate

from gateway.planner.deferred_parts import DeferredPart, deferred_parts
from gateway.planner.normalize import normalize
from gateway.planner.operation import Operation
from gateway.planner.plan import QueryPlan
from gateway.planner.planner import Planner
from gateway.planner.printer import print_plan
from gateway.supergraph.api_schema import build_api_schema, with_defer
from tests.unit.gateway.planner.planning import supergraph_of

TYPES = """
type Query @join__type(graph: A) @join__type(graph: B) { book: Book @join__field(graph: A) best: Int @join__field(graph: A) }
type Book @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") @join__type(graph: C, key: "id") {
  id: ID! title: String @join__field(graph: A) stars: Int @join__field(graph: B) votes: Int @join__field(graph: B)
  price: Int @join__field(graph: C)
}
"""


def deferred(query: str, *active: str) -> QueryPlan:
    return planned(query, *active)[1]


def planned(query: str, *active: str) -> tuple[Operation, QueryPlan]:
    supergraph = supergraph_of(TYPES)
    schema, document = with_defer(build_api_schema(supergraph)), parse(query)
    assert validate(schema, document) == []
    operation = normalize(schema, document, None, deferring=frozenset(active))
    return operation, Planner(supergraph).plan(operation)


def requests(plan: QueryPlan) -> list[tuple[str, frozenset[int], int]]:
    """Subgraph, what is waited for, and in how many deferred fragments all that is fetched stands."""
    return [
        (fetch.subgraph, fetch.after, len(frozenset.intersection(*fetch.serves)) if fetch.serves else 0)
        for fetch in plan.fetches
    ]


def test_a_deferred_field_of_another_subgraph_is_a_request_of_its_own() -> None:
    plan = deferred("{ book { title stars ... @defer { votes price } } }")
    assert requests(plan) == [
        ("a", frozenset(), 0),
        ("b", frozenset({0}), 0),
        ("b", frozenset({0}), 1),
        ("c", frozenset({0}), 1),
    ]
    assert [fetch.document for fetch in plan.fetches[1:3]] == [
        "query($representations:[_Any!]!){_entities(representations:$representations){...on Book{stars}}}",
        "query($representations:[_Any!]!){_entities(representations:$representations){...on Book{votes}}}",
    ]


def test_a_deferred_root_field_is_asked_for_apart() -> None:
    assert requests(deferred("{ book { title } ... @defer { best } }")) == [
        ("a", frozenset(), 0),
        ("a", frozenset(), 1),
    ]


def test_an_object_is_there_at_once_though_all_of_it_is_deferred() -> None:
    assert requests(deferred("{ book { ... @defer { stars } } }")) == [("a", frozenset(), 0), ("b", frozenset({0}), 1)]


def test_what_is_also_asked_for_at_once_is_fetched_once() -> None:
    plan = deferred("{ book { ... @defer { stars price } stars } }")
    assert requests(plan) == [("a", frozenset(), 0), ("b", frozenset({0}), 0), ("c", frozenset({0}), 1)]


def test_without_an_active_variable_the_plan_is_that_of_a_plain_fragment() -> None:
    query = "query($later: Boolean!) { book { title ... @defer(if: $later) { stars } } }"
    assert deferred(query) == deferred("{ book { title stars } }")
    assert requests(deferred(query, "later")) == [("a", frozenset(), 0), ("b", frozenset({0}), 1)]


PRINTED = """\
query: 4 requests, 2 of them deferred

[0] a
    {
      book {
        title
        __typename
        id
        again: title
      }
    }

[1] b after 0
  $representations from book
    Book { id } (key id)
    query ($representations: [_Any!]!) {
      _entities(representations: $representations) {
        ... on Book {
          stars
        }
      }
    }

deferred 1 "costs" at book

[2] c after 0
  $representations from book
    Book { id } (key id)
    query ($representations: [_Any!]!) {
      _entities(representations: $representations) {
        ... on Book {
          price
        }
      }
    }

deferred 2 after 1 at book

[3] b after 0
  $representations from book
    Book { id } (key id)
    query ($representations: [_Any!]!) {
      _entities(representations: $representations) {
        ... on Book {
          votes
        }
      }
    }

deferred 3 within 1 at book, fetched with what is not deferred
"""


def test_what_is_deferred_is_printed_below_the_part_that_waits_for_it_first() -> None:
    operation, plan = planned(
        """{ book { title stars ... @defer(label: "costs") { price ... @defer { again: title } }
          ... @defer { price votes } } }"""
    )
    parts = deferred_parts(operation, plan)
    assert parts == (
        DeferredPart(1, ("book",), "costs", None, (), (2,)),
        DeferredPart(2, ("book",), None, None, (1,), (3,)),
        DeferredPart(3, ("book",), None, 1, (), ()),
    )
    assert print_plan(plan, parts) == PRINTED

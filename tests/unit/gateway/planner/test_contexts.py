"""Arguments that come from above a field: where they are read, and what waits for what."""

from __future__ import annotations

import pytest

from gateway.errors import PlanError
from gateway.planner.budget import MAX_STEPS
from gateway.planner.plan import ContextArgument, ContextSource, RepresentationField
from tests.unit.gateway.planner.planning import documents, plan_of

ITEMS = """
type Query @join__type(graph: A) @join__type(graph: B) @context(name: "a__query") {
  user: User @join__field(graph: A)
  items: [Item] @join__field(graph: A)
  season: String @join__field(graph: B)
}
type User @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") @context(name: "a__user") {
  id: ID!
  plan: String @join__field(graph: B)
  items: [Item] @join__field(graph: A)
  favourite: Item @join__field(graph: A)
  friend: User @join__field(graph: A)
  trust: Int @join__field(graph: A, contextArguments: [
    {context: "a__user", name: "plan", type: "String", selection: "{ plan }"}
  ])
}
type Item @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
  id: ID!
  parent: Item @join__field(graph: A)
  title: String @join__field(graph: A)
  cost(x: Int): Int @join__field(graph: A, contextArguments: [
    {context: "a__user", name: "plan", type: "String!", selection: "{ plan }"}
  ])
  weight: Int @join__field(graph: B) @join__field(graph: A, external: true)
  freight: Int @join__field(graph: A, requires: "weight", contextArguments: [
    {context: "a__user", name: "plan", type: "String", selection: "{ plan }"}
  ])
  season: String @join__field(graph: A, contextArguments: [
    {context: "a__query", name: "season", type: "String", selection: "{ season }"}
  ])
}
"""


def test_a_contextual_field_is_asked_by_its_key_even_where_its_object_was_found_in_the_same_subgraph() -> None:
    plan = plan_of(ITEMS, "{ user { items { title cost } } }")

    # Then the object comes first, then what the argument is read from, then the field
    assert documents(plan) == [
        ("a", "query{user{items{title __typename id} __typename id}}"),
        ("b", "query($representations:[_Any!]!){_entities(representations:$representations){...on User{plan}}}"),
        (
            "a",
            (
                "query($representations:[_Any!]!,$c0:String!)"
                "{_entities(representations:$representations){...on Item{cost(plan:$c0)}}}"
            ),
        ),
    ]
    assert plan.fetches[2].after == {1}
    assert plan.fetches[2].targets[0].contexts == (
        ContextArgument("c0", (ContextSource(1, (RepresentationField("plan", "plan"),)),), required=True),
    )


def test_no_variable_of_the_client_is_taken_for_one_of_a_context() -> None:
    plan = plan_of(ITEMS, "query($c0: Int, $c2: Int) { user { items { cost(x: $c0) other: cost(x: $c2) } } }")

    assert plan.fetches[2].variables == ("c0", "c2")
    assert "cost(plan:$c1,x:$c0) other:cost(plan:$c1,x:$c2)" in plan.fetches[2].document


def test_a_context_may_be_set_by_the_query_itself() -> None:
    plan = plan_of(ITEMS, "{ items { season } }")

    assert [(fetch.subgraph, sorted(fetch.after)) for fetch in plan.fetches] == [("a", []), ("b", []), ("a", [0, 1])]
    assert plan.fetches[2].targets[0].contexts[0].sources == (
        ContextSource(0, (RepresentationField("season", "season"),)),
    )


def test_fields_with_other_context_arguments_are_not_left_out_where_one_has_no_value() -> None:
    plan = plan_of(ITEMS, "{ user { items { cost season } } }")

    # Then each of them is a call of its own
    calls = [target for fetch in plan.fetches for target in fetch.targets if target.contexts]
    assert [len(target.contexts) for target in calls] == [1, 1]


def test_the_same_asked_at_several_places_equally_far_from_its_context_is_asked_once() -> None:
    plan = plan_of(ITEMS, "{ user { items { season } favourite { season } } }")

    (target,) = plan.fetches[-1].targets
    assert len(target.paths) == 2
    assert [argument.variable for argument in target.contexts] == ["c0"]


def test_where_nothing_above_sets_the_context_the_operation_is_refused() -> None:
    with pytest.raises(PlanError) as refusal:
        plan_of(ITEMS, "{ items { cost } }")

    assert refusal.value.code == "OPERATION_UNPLANNABLE"
    assert refusal.value.message == "The subgraphs cannot answer Item.cost at this place."


def test_a_field_never_reads_the_context_that_its_own_object_sets() -> None:
    with pytest.raises(PlanError):
        plan_of(ITEMS, "{ user { trust } }")

    plan = plan_of(ITEMS, "{ user { friend { friend { trust } } } }")

    # Then the object that it stands in counts
    assert [source.depth for source in plan.fetches[-1].targets[0].contexts[0].sources] == [2]


def test_a_field_may_have_requirements_and_contexts() -> None:
    plan = plan_of(ITEMS, "{ user { items { freight } } }")

    (target,) = plan.fetches[-1].targets
    assert [field.name for field in target.representations[0].fields] == ["id", "weight"]
    assert [argument.variable for argument in target.contexts] == ["c0"]
    assert "freight(plan:$c0)" in plan.fetches[-1].document


def test_what_an_argument_is_read_from_never_takes_a_key_of_the_client() -> None:
    # When a client calls another field by the name of the one that is read
    plan = plan_of(ITEMS, "{ user { plan: id items { cost } } }")

    assert plan.fetches[-1].targets[0].contexts[0].sources[0].fields == (RepresentationField("plan", "_0_plan"),)


def test_contexts_of_an_interface_with_many_objects_are_planned_within_the_budget() -> None:
    # Given 70 types that set a context, each with a field of its own to read
    types = "".join(
        f"""
        type T{number} implements Holder @join__implements(graph: A, interface: "Holder") @join__type(graph: A) {{
          items: [Item] name{number}: String
        }}"""
        for number in range(70)
    )
    selection = " ".join(f"... on T{number} {{ name{number} }}" for number in range(70))
    plan = plan_of(
        f"""
        type Query @join__type(graph: A) {{ holders: [Holder] }}
        interface Holder @join__type(graph: A) @context(name: "a__h") {{ items: [Item] }}
        {types}
        type Item @join__type(graph: A, key: "id") {{ id: ID! owner: String @join__field(graph: A, contextArguments: [
          {{context: "a__h", name: "name", type: "String", selection: "{selection}"}}
        ]) }}
        """,
        "{ holders { items { owner } } }",
    )

    assert len(plan.fetches) == 2
    assert len(plan.fetches[1].targets[0].contexts[0].sources) == 70
    assert plan.steps <= MAX_STEPS // 10


def test_the_only_type_of_an_interface_need_not_be_told_by_a_subgraph_that_knows_the_interface_alone() -> None:
    # When what is read is written for the one object type of an interface that was found as an interface object
    plan = plan_of(
        """
        type Query @join__type(graph: A) @join__type(graph: B) { node: Node @join__field(graph: B) }
        interface Node @join__type(graph: A, key: "id") @join__type(graph: B, key: "id", isInterfaceObject: true)
          @context(name: "a__n") { id: ID! label: String @join__field(graph: A) items: [Item] @join__field(graph: B) }
        type Only implements Node @join__implements(graph: A, interface: "Node") @join__type(graph: A, key: "id") {
          id: ID! label: String items: [Item] @join__field
        }
        type Item @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
          id: ID! title: String @join__field(graph: A, contextArguments: [
            {context: "a__n", name: "label", type: "String", selection: "... on Only { label }"}
          ])
        }
        """,
        "{ node { items { title } } }",
    )

    assert plan.fetches[-1].targets[0].contexts[0].sources == (
        ContextSource(1, (RepresentationField("label", "label"),)),
    )

"""One rule of federation a test, each on the smallest supergraph that shows it."""

from __future__ import annotations

import pytest

from gateway.errors import PlanError
from gateway.planner.plan import Condition, Items, OnTypes, Rename, Representation, RepresentationField
from tests.unit.gateway.planner.planning import documents, plan_of

PRODUCT = """
type Query @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) { product: Product @join__field(graph: A) }
type Product @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") @join__type(graph: C, key: "id") {
  id: ID!
  name: String @join__field(graph: A)
  stock(at: String): Int @join__field(graph: B)
  stars: Int @join__field(graph: C)
}
"""


def test_an_entity_fetch_sends_the_key_that_was_fetched_before() -> None:
    # When a field of another subgraph is asked for
    plan = plan_of(PRODUCT, "{ product { name stock } }")

    # Then the entity is fetched there by its key
    assert documents(plan) == [
        ("a", "query{product{name __typename id}}"),
        ("b", "query($representations:[_Any!]!){_entities(representations:$representations){...on Product{stock}}}"),
    ]
    fetch = plan.fetches[1]
    assert fetch.after == frozenset({0})
    assert fetch.targets[0].paths == (("product",),)
    assert fetch.targets[0].representations == (
        Representation(frozenset({"Product"}), (RepresentationField("id", "id"),), frozenset({"id"})),
    )


def test_a_name_can_be_spliced_into_every_document() -> None:
    plan = plan_of(PRODUCT, "query($at: String) { product { stock(at: $at) } }")

    assert [fetch.document[: fetch.name_offset] for fetch in plan.fetches] == ["query", "query"]


def test_a_fetch_has_the_variables_it_uses_and_no_others() -> None:
    plan = plan_of(
        PRODUCT, "query($at: String, $x: Boolean! = true) { product { name @include(if: $x) stock(at: $at) } }"
    )

    assert [fetch.variables for fetch in plan.fetches] == [("x",), ("at",)]
    assert plan.fetches[0].document == "query($x:Boolean!=true){product{name@include(if:$x) __typename id}}"


def test_a_client_variable_never_collides_with_the_representations() -> None:
    plan = plan_of(PRODUCT, "query($representations: String) { product { stock(at: $representations) } }")

    assert plan.fetches[1].targets[0].variable == "_representations"


def test_fetches_of_different_subgraphs_do_not_wait_for_one_another() -> None:
    plan = plan_of(PRODUCT, "{ product { stock stars } }")

    assert [(fetch.subgraph, fetch.after) for fetch in plan.fetches] == [
        ("a", frozenset()),
        ("b", frozenset({0})),
        ("c", frozenset({0})),
    ]


def test_a_fetch_is_gated_where_all_it_fetches_is() -> None:
    # When all that one subgraph is asked for depends on a variable, and another is asked for something regardless
    plan = plan_of(PRODUCT, "query($x: Boolean!) { product { name stock @include(if: $x) stars } }")

    # Then the first fetch depends on it too, and the condition needs no second check inside
    assert plan.fetches[1].condition == Condition(include=frozenset({"x"}))
    assert plan.fetches[1].variables == ()
    assert "@include" not in plan.fetches[1].document
    assert plan.fetches[2].condition is None


def test_a_field_wanted_with_and_without_a_condition_is_fetched_anyway() -> None:
    plan = plan_of(PRODUCT, "query($x: Boolean!) { product @include(if: $x) { name } product @skip(if: $x) { name } }")

    assert documents(plan) == [("a", "query{product{name}}")]


def test_an_object_whose_fields_are_all_skipped_is_still_fetched() -> None:
    plan = plan_of(PRODUCT, "query($x: Boolean!) { product { name @skip(if: $x) } }")

    assert documents(plan) == [("a", "query($x:Boolean!){product{__typename name@skip(if:$x)}}")]


def test_a_directive_never_stands_twice_in_one_place() -> None:
    plan = plan_of(
        PRODUCT,
        "query($x: Boolean!, $y: Boolean!) { product { id ... @include(if: $x) { name @include(if: $y) } } }",
    )

    assert plan.fetches[0].document == (
        "query($x:Boolean!,$y:Boolean!){product{id ...@include(if:$y){name@include(if:$x)}}}"
    )


def test_root_typename_and_introspection_are_not_planned() -> None:
    plan = plan_of(PRODUCT, "{ __typename __schema { types { name } } }")

    assert plan.fetches == ()


def test_the_order_of_the_file_does_not_change_the_plan() -> None:
    query = "{ product { stars stock name } }"
    mirrored = PRODUCT.replace(
        '@join__type(graph: A, key: "id") @join__type(graph: B, key: "id") @join__type(graph: C, key: "id")',
        '@join__type(graph: C, key: "id") @join__type(graph: B, key: "id") @join__type(graph: A, key: "id")',
    )

    assert plan_of(mirrored, query) == plan_of(PRODUCT, query)


def test_planning_stops_at_its_budget() -> None:
    with pytest.raises(PlanError) as refusal:
        plan_of(PRODUCT, "{ product { name stock stars } }", max_steps=5)

    assert refusal.value.code == "PLAN_BUDGET_EXCEEDED"


def test_a_field_that_no_subgraph_can_be_asked_for_here_is_refused() -> None:
    # Given an object that comes from a subgraph without its key
    types = """
    type Query @join__type(graph: A) @join__type(graph: B) { thing: Thing @join__field(graph: A) }
    type Thing @join__type(graph: A) @join__type(graph: B, key: "id") {
      name: String @join__field(graph: A) id: ID! @join__field(graph: B) size: Int @join__field(graph: B)
    }
    """

    # When a field of the other subgraph is asked for
    with pytest.raises(PlanError) as refusal:
        plan_of(types, "{ thing { name size } }")

    # Then the refusal names it
    assert (refusal.value.code, refusal.value.message) == (
        "OPERATION_UNPLANNABLE",
        "The subgraphs cannot answer Thing.size at this place.",
    )


def test_an_external_field_is_answered_only_where_it_is_provided() -> None:
    # Given a subgraph that provides a name on one of two paths
    types = """
    type Query @join__type(graph: A) @join__type(graph: B) {
      best: User @join__field(graph: A, provides: "name") worst: User @join__field(graph: A)
    }
    type User @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
      id: ID! name: String @join__field(graph: A, external: true) @join__field(graph: B)
    }
    """

    # When the name is asked for on both
    plan = plan_of(types, "{ best { name } worst { name } }")

    # Then only the other one is fetched as an entity
    assert plan.fetches[0].document == "query{best{name} worst{__typename id}}"
    assert [target.paths for target in plan.fetches[1].targets] == [(("worst",),)]


def test_a_labelled_override_follows_the_active_labels() -> None:
    types = """
    type Query @join__type(graph: A) @join__type(graph: B) { order: Order @join__field(graph: A) }
    type Order @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
      id: ID!
      status: String @join__field(graph: A, overrideLabel: "beta")
        @join__field(graph: B, override: "a", overrideLabel: "beta")
    }
    """

    assert [fetch.subgraph for fetch in plan_of(types, "{ order { status } }").fetches] == ["a"]
    active = plan_of(types, "{ order { status } }", labels=frozenset({"beta"}))
    assert [fetch.subgraph for fetch in active.fetches] == ["a", "b"]


def test_an_overridden_field_still_serves_as_nothing_but_a_name_in_a_key() -> None:
    # Given a key field that the subgraph itself no longer answers
    types = """
    type Query @join__type(graph: A) @join__type(graph: B) { order: Order @join__field(graph: B) }
    type Order @join__type(graph: A, key: "code") @join__type(graph: B, key: "code") {
      code: ID! @join__field(graph: A, usedOverridden: true) @join__field(graph: B, override: "a")
      lines: Int @join__field(graph: A)
    }
    """

    # Then the other answers it and the subgraph is still entered by it
    assert documents(plan_of(types, "{ order { code lines } }")) == [
        ("b", "query{order{code __typename}}"),
        ("a", "query($representations:[_Any!]!){_entities(representations:$representations){...on Order{lines}}}"),
    ]


MEDIA = """
type Query @join__type(graph: A) @join__type(graph: B) { media: Media works: [Work!]! @join__field(graph: A) }
union Media @join__type(graph: A) @join__type(graph: B)
  @join__unionMember(graph: A, member: "Book") @join__unionMember(graph: B, member: "Book")
  @join__unionMember(graph: A, member: "Song") @join__unionMember(graph: B, member: "Film") = Book | Song | Film
interface Work @join__type(graph: A) { title: String }
type Book implements Work @join__implements(graph: A, interface: "Work")
  @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
  id: ID! title: String pages: Int! @join__field(graph: A) maker: Writer @join__field(graph: A)
}
type Song implements Work @join__implements(graph: A, interface: "Work") @join__type(graph: A) {
  title: String pages: Int maker: Band
}
type Film @join__type(graph: B) { title: String }
type Writer @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! born: Int @join__field(graph: B) }
type Band @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! since: Int @join__field(graph: B) }
"""


def test_a_union_is_answered_by_the_members_that_all_its_subgraphs_know() -> None:
    plan = plan_of(MEDIA, "{ media { ... on Book { title } ... on Song { title } ... on Film { title } } }")

    assert documents(plan) == [("a", "query{media{__typename ...on Book{title}}}")]


def test_an_interface_that_can_be_asked_itself_is_not_split_into_its_types() -> None:
    plan = plan_of(MEDIA, "{ works { title ... on Book { pages } } }")

    assert documents(plan) == [("a", "query{works{title __typename ...on Book{pages}}}")]


def test_entities_below_one_type_of_several_are_found_by_that_type() -> None:
    plan = plan_of(MEDIA, "{ works { ... on Book { maker { born } } ... on Song { maker { since } } } }")

    # Both calls travel in one request, each with the path of its own type
    assert [target.paths for target in plan.fetches[1].targets] == [
        (("works", Items(), OnTypes(frozenset({"Book"})), "maker"),),
        (("works", Items(), OnTypes(frozenset({"Song"})), "maker"),),
    ]
    assert [target.alias for target in plan.fetches[1].targets] == ["_e0", "_e1"]


def test_what_is_asked_of_entities_at_several_places_is_asked_once() -> None:
    plan = plan_of(MEDIA, "{ works { ... on Book { maker { born } writer: maker { born } } } }")

    # One field of the request serves both places
    (target,) = plan.fetches[1].targets
    book = OnTypes(frozenset({"Book"}))
    assert target.paths == (("works", Items(), book, "maker"), ("works", Items(), book, "writer"))


def test_a_shape_that_only_the_subgraph_sees_is_renamed_afterwards() -> None:
    # Given two types whose `ref` is the same for clients, but not in the subgraph that answers them
    types = """
    type Query @join__type(graph: A) { things: [Thing] }
    union Thing @join__type(graph: A) @join__unionMember(graph: A, member: "One")
      @join__unionMember(graph: A, member: "Two") = One | Two
    type One @join__type(graph: A) { ref: String @join__field(graph: A, type: "String!") }
    type Two @join__type(graph: A) { ref: String }
    """

    # When both are asked for under one key
    plan = plan_of(types, "{ things { ... on One { ref } ... on Two { ref } } }")

    # Then one of them travels under another
    assert plan.fetches[0].document == "query{things{__typename ...on One{ref} ...on Two{_1_ref:ref}}}"
    assert plan.fetches[0].renames == (Rename(("things", Items()), "_1_ref", "ref"),)


def test_a_field_that_returns_the_query_root_enters_it_anew() -> None:
    types = """
    type Query @join__type(graph: A) @join__type(graph: B) { a: Int @join__field(graph: A) b: Int @join__field(graph: B) }
    type Mutation @join__type(graph: A) { reset: Root }
    type Root @join__type(graph: A) { query: Query! }
    """

    plan = plan_of(types, "mutation { reset { query { a b } } }")

    assert [(fetch.kind, fetch.subgraph, fetch.document, fetch.path) for fetch in plan.fetches] == [
        ("mutation", "a", "mutation{reset{query{a}}}", ()),
        ("query", "b", "query{b}", ("reset", "query")),
    ]


def test_a_mutation_that_several_subgraphs_offer_runs_once() -> None:
    types = """
    type Query @join__type(graph: A) @join__type(graph: B) { a: Int @join__field(graph: A) }
    type Mutation @join__type(graph: A) @join__type(graph: B) { add: Item }
    type Item @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
      id: ID! a: Int @join__field(graph: A) b: Int @join__field(graph: B)
    }
    """

    plan = plan_of(types, "mutation { add { a b } }")

    assert [(fetch.kind, fetch.subgraph) for fetch in plan.fetches] == [("mutation", "a"), ("query", "b")]


CIRCLE = """
type Query @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) { item: Item @join__field(graph: A) }
type Item @join__type(graph: A, key: "id") @join__type(graph: B, key: "code") @join__type(graph: C, key: "id code") {
  id: ID! @join__field(graph: A) @join__field(graph: C) code: ID! @join__field(graph: B) @join__field(graph: C)
  size: Int @join__field(graph: B)
}
"""


def test_keys_that_need_one_another_come_to_an_end() -> None:
    # Given `code`, which only a call that needs `code` itself would answer
    with pytest.raises(PlanError) as refusal:
        plan_of(CIRCLE, "{ item { size } }")

    assert refusal.value.code == "OPERATION_UNPLANNABLE"


def test_fields_computed_in_turns_wait_for_one_another() -> None:
    # Given fields of two subgraphs that each need one of the other
    types = """
    type Query @join__type(graph: A) @join__type(graph: B) { item: Item @join__field(graph: A) }
    type Item @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
      id: ID!
      one: Int @join__field(graph: A) @join__field(graph: B, external: true)
      two: Int @join__field(graph: B, requires: "one") @join__field(graph: A, external: true)
      three: Int @join__field(graph: A, requires: "two") @join__field(graph: B, external: true)
      four: Int @join__field(graph: B, requires: "three")
    }
    """

    plan = plan_of(types, "{ item { four } }")

    assert [(fetch.subgraph, sorted(fetch.after)) for fetch in plan.fetches] == [
        ("a", []),
        ("b", [0]),
        ("a", [1]),
        ("b", [2]),
    ]


def test_a_requirement_under_a_skipped_field_is_skipped_with_it() -> None:
    types = """
    type Query @join__type(graph: A) @join__type(graph: B) { item: Item @join__field(graph: A) }
    type Item @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
      id: ID! name: String @join__field(graph: A)
      cost: Int @join__field(graph: A) @join__field(graph: B, external: true)
      price: Int @join__field(graph: B, requires: "cost")
    }
    """

    plan = plan_of(types, "query($x: Boolean!) { item { id name price @skip(if: $x) } }")

    # `id` was asked for by the client and is fetched whatever becomes of the price
    assert plan.fetches[0].document == "query($x:Boolean!){item{id name __typename@skip(if:$x) cost@skip(if:$x)}}"
    assert plan.fetches[1].condition == Condition(skip=frozenset({"x"}))


def test_the_type_behind_an_interface_object_is_found_out_even_if_what_depends_on_it_is_skipped() -> None:
    # Given a subgraph that knows an interface only, and a selection on one type of it under a condition
    types = """
    type Query @join__type(graph: A) @join__type(graph: B) { nodes: [Node] @join__field(graph: B) }
    interface Node @join__type(graph: A, key: "id") @join__type(graph: B, key: "id", isInterfaceObject: true) {
      id: ID! size: Int @join__field(graph: B)
    }
    type One implements Node @join__implements(graph: A, interface: "Node") @join__type(graph: A, key: "id") {
      id: ID! one: Int size: Int @join__field
    }
    type Two implements Node @join__implements(graph: A, interface: "Node") @join__type(graph: A, key: "id") {
      id: ID! size: Int @join__field
    }
    """

    plan = plan_of(types, "query($x: Boolean!) { nodes { size ... on One @include(if: $x) { one } } }")

    # Then the type is fetched regardless, since the rest cannot be projected without it
    assert documents(plan) == [
        ("b", "query{nodes{size __typename id}}"),
        (
            "a",
            (
                "query($representations:[_Any!]!,$x:Boolean!){_entities(representations:$representations)"
                "{...on Node{__typename ...on One{one@include(if:$x)}}}}"
            ),
        ),
    ]

"""What is large is planned in few steps, and what is too large is refused: counted in steps, never in time."""

from __future__ import annotations

from itertools import count

import pytest

from gateway.errors import PlanError
from gateway.planner.budget import MAX_STEPS, Budget
from gateway.planner.normalize import MAX_SELECTIONS
from gateway.planner.planner import Planner
from tests.fixtures.large_operations import ANIMALS, EVERY_PAIR, EVERY_TYPE, NODE, TYPES, doubling, doubling_places
from tests.unit.gateway.planner.planning import documents, operation_of, plan_of, supergraph_of


@pytest.mark.parametrize("depth", [5, 10, 20])
def test_a_fragment_that_is_spread_twice_costs_as_much_as_once(depth: int) -> None:
    plan = plan_of(NODE, doubling(depth))

    assert len(plan.fetches) == 1
    assert plan.steps <= 100 + 5 * depth * depth


@pytest.mark.parametrize("depth", [20, 30])
def test_an_answer_of_a_million_places_is_refused_before_it_is_planned(depth: int) -> None:
    supergraph = supergraph_of(NODE)

    with pytest.raises(PlanError) as refusal:
        operation_of(supergraph, doubling_places(depth))

    assert (refusal.value.code, refusal.value.message) == (
        "PLAN_BUDGET_EXCEEDED",
        f"The operation grows past {MAX_SELECTIONS} selections.",
    )


def test_a_hundred_places_that_three_subgraphs_answer_together_are_planned_in_few_steps() -> None:
    # Given 63 objects on six levels
    plan = plan_of(NODE, doubling_places(5))

    # Then every subgraph is asked once
    assert [fetch.subgraph for fetch in plan.fetches] == ["a", "b", "c"]
    assert plan.steps <= 2500


def test_seventy_types_with_a_fragment_each_are_planned_in_few_steps() -> None:
    plan = plan_of(ANIMALS, EVERY_TYPE)

    assert [fetch.subgraph for fetch in plan.fetches] == ["a", "b"]
    assert plan.steps <= 5000


def test_what_seventy_types_are_asked_alike_is_planned_once() -> None:
    # Given fragments that go on to all types again
    fragments = " ".join(f"... on Animal{n} {{ own{n} parent {{ name id }} }}" for n in range(TYPES))

    plan = plan_of(ANIMALS, f"{{ animals {{ {fragments} }} }}")

    assert [fetch.subgraph for fetch in plan.fetches] == ["a", "b"]
    assert plan.steps <= 5000


def test_equal_fragments_on_all_types_are_asked_of_the_interface() -> None:
    types = """
    type Query @join__type(graph: A) { pets: [Pet] }
    interface Pet @join__type(graph: A) { name: String age: Int }
    type Cat implements Pet @join__type(graph: A) @join__implements(graph: A, interface: "Pet") { name: String age: Int }
    type Dog implements Pet @join__type(graph: A) @join__implements(graph: A, interface: "Pet") { name: String age: Int }
    """

    plan = plan_of(types, "{ pets { ... on Cat { name age } ... on Dog { name age } } }")

    assert documents(plan) == [("a", "query{pets{name age __typename}}")]


def test_an_operation_that_takes_too_many_steps_is_refused() -> None:
    with pytest.raises(PlanError) as refusal:
        plan_of(ANIMALS, EVERY_PAIR)

    assert (refusal.value.code, refusal.value.message) == (
        "PLAN_BUDGET_EXCEEDED",
        f"Planning the operation takes more than {MAX_STEPS} steps.",
    )


def test_an_operation_that_takes_too_long_is_refused() -> None:
    # Given a clock that moves on by half a second whenever it is looked at
    clock = count(0, 0.5)
    supergraph = supergraph_of(ANIMALS)
    operation = operation_of(supergraph, EVERY_PAIR)
    budget = Budget(seconds=1.2, clock=lambda: next(clock))

    with pytest.raises(PlanError) as refusal:
        Planner(supergraph).plan(operation, budget=budget)

    # Then planning looked three times and ended long before it had taken all its steps
    assert (refusal.value.code, refusal.value.message) == (
        "PLAN_BUDGET_EXCEEDED",
        "Planning the operation takes more than 1.2 s.",
    )
    assert next(clock) == 2.0
    assert budget.steps < 3 * 300


def _under_two_conditions(number: int) -> str:
    """A field as often as that, each time under two variables of its own."""
    variables = ", ".join(f"$a{n}: Boolean!, $b{n}: Boolean!" for n in range(number))
    fields = " ".join(f"... @include(if: $a{n}) {{ a @include(if: $b{n}) }}" for n in range(number))
    return f"query({variables}) {{ node {{ {fields} }} }}"


def test_a_field_under_a_few_conditions_of_two_variables_is_planned() -> None:
    plan = plan_of(NODE, _under_two_conditions(5))

    assert len(plan.fetches) == 1
    assert plan.steps <= 1000


@pytest.mark.parametrize("number", [8, 14, 25])
def test_conditions_that_multiply_are_refused(number: int) -> None:
    with pytest.raises(PlanError) as refusal:
        plan_of(NODE, _under_two_conditions(number))

    assert refusal.value.code == "PLAN_BUDGET_EXCEEDED"


def test_what_is_asked_of_seventy_types_in_five_subgraphs_costs_no_more_for_their_number() -> None:
    # Given an interface that every subgraph knows with all its types, with fields that all of them answer
    graphs = "ABCDE"
    known = " ".join(f"@join__type(graph: {graph})" for graph in graphs)
    keyed = " ".join(f'@join__type(graph: {graph}, key: "id")' for graph in graphs)
    implements = " ".join(f'@join__implements(graph: {graph}, interface: "Animal")' for graph in graphs)
    fields = "{ id: ID! name: String left: Animal right: Animal }"
    types = [f"type Query {known} {{ animal: Animal }}", f"interface Animal {known} {fields}"]
    types += [f"type Animal{n} implements Animal {implements} {keyed} {fields}" for n in range(TYPES)]
    supergraph = supergraph_of("\n".join(types), subgraphs="a b c d e")

    # When all are asked for 64 objects on six levels
    fragments = [f"fragment F{n} on Animal {{ left {{ ...F{n + 1} }} right {{ ...F{n + 1} }} }}" for n in range(6)]
    query = " ".join(["{ animal { ...F0 } }", *fragments, "fragment F6 on Animal { id name }"])
    plan = Planner(supergraph).plan(operation_of(supergraph, query))

    assert len(plan.fetches) == 1
    assert plan.steps <= 6000

"""What is large is planned in few steps, and what is too large is refused: counted in steps, never in time."""

from __future__ import annotations

import pytest

from gateway.errors import PlanError
from gateway.planner.normalize import MAX_SELECTIONS
from gateway.planner.planner import MAX_STEPS
from tests.unit.gateway.planner.planning import documents, operation_of, plan_of, supergraph_of

NODE = """
type Query @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) { node: Node }
type Node @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") @join__type(graph: C, key: "id") {
  id: ID! left: Node right: Node
  a: Int @join__field(graph: A) b: Int @join__field(graph: B) c: Int @join__field(graph: C)
}
"""

TYPES = 70
ANIMALS = """
type Query @join__type(graph: A) { animals: [Animal] }
interface Animal @join__type(graph: A) @join__type(graph: B) {
  id: ID! name: String @join__field(graph: B) parent: Animal @join__field(graph: A)
}
""" + "\n".join(
    f"""
type Animal{number} implements Animal @join__implements(graph: A, interface: "Animal")
  @join__implements(graph: B, interface: "Animal") @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {{
  id: ID! name: String @join__field(graph: B) parent: Animal @join__field(graph: A) own{number}: Int @join__field(graph: B)
}}
"""
    for number in range(TYPES)
)


def _doubling(depth: int) -> str:
    """A document whose every fragment spreads the next one twice."""
    fragments = [f"fragment F{n} on Node {{ ...F{n + 1} id ...F{n + 1} left {{ ...F{n + 1} }} }}" for n in range(depth)]
    return " ".join(["{ node { ...F0 } }", *fragments, f"fragment F{depth} on Node {{ id }}"])


def _doubling_places(depth: int) -> str:
    """A document whose every fragment spreads the next one at two places of the answer."""
    fragments = [f"fragment F{n} on Node {{ left {{ ...F{n + 1} }} right {{ ...F{n + 1} }} }}" for n in range(depth)]
    return " ".join(["{ node { ...F0 } }", *fragments, f"fragment F{depth} on Node {{ a b c }}"])


@pytest.mark.parametrize("depth", [5, 10, 20])
def test_a_fragment_that_is_spread_twice_costs_as_much_as_once(depth: int) -> None:
    plan = plan_of(NODE, _doubling(depth))

    assert len(plan.fetches) == 1
    assert plan.steps <= 100 + 5 * depth * depth


@pytest.mark.parametrize("depth", [20, 30])
def test_an_answer_of_a_million_places_is_refused_before_it_is_planned(depth: int) -> None:
    supergraph = supergraph_of(NODE)

    with pytest.raises(PlanError) as refusal:
        operation_of(supergraph, _doubling_places(depth))

    assert (refusal.value.code, refusal.value.message) == (
        "PLAN_BUDGET_EXCEEDED",
        f"The operation grows past {MAX_SELECTIONS} selections.",
    )


def test_a_hundred_places_that_three_subgraphs_answer_together_are_planned_in_few_steps() -> None:
    # Given 63 objects on six levels
    plan = plan_of(NODE, _doubling_places(5))

    # Then every subgraph is asked once
    assert [fetch.subgraph for fetch in plan.fetches] == ["a", "b", "c"]
    assert plan.steps <= 2500


def test_seventy_types_with_a_fragment_each_are_planned_in_few_steps() -> None:
    fragments = " ".join(f"... on Animal{n} {{ own{n} name }}" for n in range(TYPES))

    plan = plan_of(ANIMALS, f"{{ animals {{ id {fragments} }} }}")

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
    # Given a selection that has to be planned for every pair of types
    fragments = " ".join(f"... on Animal{n} {{ parent {{ name x{n}: id }} }}" for n in range(TYPES))

    with pytest.raises(PlanError) as refusal:
        plan_of(ANIMALS, f"{{ animals {{ {fragments} }} }}")

    assert (refusal.value.code, refusal.value.message) == (
        "PLAN_BUDGET_EXCEEDED",
        f"Planning the operation takes more than {MAX_STEPS} steps.",
    )

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.planner.budget import Budget
from gateway.planner.conditions import simplify
from gateway.planner.plan import Condition
from tests.unit.gateway.planner.planning import documents, plan_of

NAMES = st.sets(st.sampled_from("abc"))
CONDITIONS = st.builds(
    lambda include, skip: Condition(frozenset(include), frozenset(skip - include)), include=NAMES, skip=NAMES
)


def holds(condition: Condition, true: frozenset[str]) -> bool:
    return condition.include <= true and not condition.skip & true


def test_opposites_amount_to_always() -> None:
    opposites = [Condition(include=frozenset("a")), Condition(skip=frozenset("a"))]

    assert simplify(opposites, Budget()) == {Condition()}


def test_a_condition_covered_by_a_weaker_one_is_dropped() -> None:
    weaker, stronger = Condition(include=frozenset("a")), Condition(include=frozenset("ab"))

    assert simplify([stronger, weaker], Budget()) == {weaker}


@given(st.sets(CONDITIONS, max_size=5))
def test_simplifying_never_changes_when_something_is_needed(conditions: set[Condition]) -> None:
    simple = simplify(conditions, Budget())

    for text in ("", "a", "b", "c", "ab", "ac", "bc", "abc"):
        true = frozenset(text)
        assert any(holds(one, true) for one in simple) == any(holds(one, true) for one in conditions)


def test_a_variable_that_gates_a_whole_request_is_not_defined_for_another_whose_name_begins_with_it() -> None:
    # Given a request under $a that is sent $ab
    types = """
    type Query @join__type(graph: A) { items(first: Int): [Int] }
    """

    plan = plan_of(types, "query($a: Boolean!, $ab: Int) { items(first: $ab) @include(if: $a) }")

    assert documents(plan) == [("a", "query($ab:Int){items(first:$ab)}")]
    assert plan.fetches[0].variables == ("ab",)

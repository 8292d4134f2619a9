from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.planner.conditions import simplify
from gateway.planner.plan import Condition

NAMES = st.sets(st.sampled_from("abc"))
CONDITIONS = st.builds(
    lambda include, skip: Condition(frozenset(include), frozenset(skip - include)), include=NAMES, skip=NAMES
)


def holds(condition: Condition, true: frozenset[str]) -> bool:
    return condition.include <= true and not condition.skip & true


def test_opposites_amount_to_always() -> None:
    opposites = [Condition(include=frozenset("a")), Condition(skip=frozenset("a"))]

    assert simplify(opposites) == {Condition()}


def test_a_condition_covered_by_a_weaker_one_is_dropped() -> None:
    weaker, stronger = Condition(include=frozenset("a")), Condition(include=frozenset("ab"))

    assert simplify([stronger, weaker]) == {weaker}


@given(st.sets(CONDITIONS, max_size=5))
def test_simplifying_never_changes_when_something_is_needed(conditions: set[Condition]) -> None:
    simple = simplify(conditions)

    for text in ("", "a", "b", "c", "ab", "ac", "bc", "abc"):
        true = frozenset(text)
        assert any(holds(one, true) for one in simple) == any(holds(one, true) for one in conditions)

"""Stock in pure rules: shelves give all or complain, levels tell what is left, demand has one order."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ids import new_id
from subgraphs.inventory.domain import OrderedLine, Shelf, StockLevel, demand, level_of


@given(st.lists(st.integers(0, 50), min_size=1, max_size=8), st.data())
def test_a_shelf_gives_exactly_what_is_asked_and_no_more_than_it_has(free: list[int], data: st.DataObject) -> None:
    shelf = Shelf({new_id(): units for units in free})
    before = dict(shelf.free)
    quantity = data.draw(st.integers(0, sum(free)))
    taken = shelf.take(quantity)
    assert sum(part for _, part in taken) == quantity
    assert all(0 < part <= before[item] for item, part in taken)
    assert sum(shelf.free.values()) == sum(free) - quantity


def test_a_shelf_that_has_too_little_says_so() -> None:
    with pytest.raises(ValueError, match="2 units are missing"):
        Shelf({new_id(): 1}).take(3)


@pytest.mark.parametrize(
    ("available", "threshold", "level"),
    [(0, 5, StockLevel.OUT), (1, 5, StockLevel.LOW), (5, 5, StockLevel.LOW), (6, 5, StockLevel.IN_STOCK)],
)
def test_the_level_says_in_a_word_what_is_left(available: int, threshold: int, level: StockLevel) -> None:
    assert level_of(available, threshold) is level


def test_demand_adds_lines_of_a_variant_and_is_sorted_by_variant() -> None:
    first, second = UUID(int=1), UUID(int=2)
    lines = [OrderedLine(new_id(), second, 1), OrderedLine(new_id(), first, 2), OrderedLine(new_id(), second, 3)]
    assert list(demand(lines).items()) == [(first, 2), (second, 4)]

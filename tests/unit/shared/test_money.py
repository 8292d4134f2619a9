"""Cents are never lost and never made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.money import MAX_CENTS, Money, allocate, share_of


@given(st.integers(0, MAX_CENTS), st.lists(st.integers(0, 10_000), min_size=1, max_size=20).filter(any))
def test_allocated_shares_sum_to_the_amount_and_differ_by_less_than_a_cent_from_exact(
    amount: int, weights: list[int]
) -> None:
    shares = allocate(amount, weights)
    total = sum(weights)
    assert sum(shares) == amount
    assert all(abs(share * total - amount * weight) < total for share, weight in zip(shares, weights, strict=True))


def test_a_tie_goes_to_the_earlier_weight() -> None:
    assert allocate(100, [1, 1, 1]) == [34, 33, 33]


def test_no_weight_is_no_split() -> None:
    with pytest.raises(ValueError, match="positive sum"):
        allocate(100, [0, 0])


@pytest.mark.parametrize(
    ("amount", "basis_points", "share"), [(1000, 1000, 100), (5, 1000, 1), (4, 1000, 0), (0, 500, 0)]
)
def test_a_share_is_rounded_half_up(amount: int, basis_points: int, share: int) -> None:
    assert share_of(amount, basis_points) == share


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="cannot mix EUR and USD"):
        Money(1, "EUR") + Money(1, "USD")

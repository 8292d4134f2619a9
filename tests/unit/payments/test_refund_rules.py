"""How much of which item goes back: exact to the cent, whatever the order of refunds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ids import new_id
from subgraphs.payments.domain.payable import AnnouncedLine, PayableItem, itemise
from subgraphs.payments.domain.refund import give_back, parts_of_amount, parts_of_lines, spread, take
from subgraphs.payments.errors import LineNotFound, RefundExceedsPayment

lines = st.lists(st.tuples(st.integers(0, 50_000), st.integers(0, 10_000)), min_size=1, max_size=6)


def an_order(announced: list[tuple[int, int]], rest: int = 0) -> list[PayableItem]:
    made = [AnnouncedLine(new_id(), total, bps) for total, bps in announced]
    return itemise(new_id(), new_id(), sum(total for total, _ in announced) + rest, made)


def test_an_orders_items_are_its_lines_and_then_shipping_and_tax() -> None:
    # given two lines and 4.99 of shipping and tax
    order_id, seller_id = new_id(), new_id()
    first, second = AnnouncedLine(new_id(), 10_000, 1_000), AnnouncedLine(new_id(), 3_333, 1_250)
    # when the order is itemised
    items = itemise(order_id, seller_id, 13_832, [first, second])
    # then commission is frozen on the lines, and none is taken on the rest
    assert [(item.id, item.amount, item.commission) for item in items] == [
        (first.line_id, 10_000, 1_000),
        (second.line_id, 3_333, 417),
        (order_id, 499, 0),
    ]


def test_a_discount_of_the_whole_order_is_spread_over_its_lines() -> None:
    items = itemise(new_id(), new_id(), 9_999, [AnnouncedLine(new_id(), 10_000, 0), AnnouncedLine(new_id(), 5_000, 0)])
    assert [item.amount for item in items] == [6_666, 3_333]


@given(lines, st.integers(0, 5_000), st.data())
def test_all_refunds_of_an_order_sum_to_exactly_what_was_paid(
    announced: list[tuple[int, int]], rest: int, data: st.DataObject
) -> None:
    # given an order
    items = an_order(announced, rest)
    total = sum(item.amount for item in items)
    taken = []
    # when it is refunded in arbitrary parts until nothing is left, some of which fail and give back
    while remaining := sum(item.remaining for item in items):
        parts = parts_of_amount(data.draw(st.integers(max(1, remaining // 3), remaining)), items)
        refund = [take(new_id(), item, amount) for item, amount in parts]
        # then at no time does platform or seller give back more than they have
        assert all(0 <= item.commission_refunded <= item.commission for item in items)
        assert all(0 <= item.seller_remaining <= item.remaining for item in items)
        if data.draw(st.integers(0, 4)) == 0:
            for line in refund:
                give_back(line, next(item for item in items if item.id == line.item_id))
        else:
            taken += refund
    # and in the end exactly everything went back
    assert sum(line.amount for line in taken) == total
    assert sum(line.commission for line in taken) == sum(item.commission for item in items)


@given(lines, st.data())
def test_a_partial_amount_is_spread_in_proportion_within_a_cent(
    announced: list[tuple[int, int]], data: st.DataObject
) -> None:
    items = an_order([(total + 1, bps) for total, bps in announced])
    remaining = sum(item.remaining for item in items)
    amount = data.draw(st.integers(1, remaining))
    shares = spread(amount, items)
    assert sum(shares) == amount
    for item, share in zip(items, shares, strict=True):
        assert 0 <= share <= item.remaining
        assert abs(share * remaining - amount * item.remaining) < remaining


def test_the_commission_of_a_part_follows_the_frozen_rate() -> None:
    # given a line of 100.00 at 12.5 %
    (item,) = an_order([(10_000, 1_250)])
    # when a third of it is refunded
    line = take(new_id(), item, 3_333)
    # then so is a third of the commission
    assert (line.amount, line.commission) == (3_333, 417)


def test_more_than_is_left_is_refused_and_nothing_is_taken() -> None:
    items = an_order([(1_000, 1_000)], 50)
    line_id = items[0].id
    with pytest.raises(RefundExceedsPayment, match="1050 cents are left"):
        parts_of_amount(1_051, items)
    with pytest.raises(RefundExceedsPayment, match="1000 cents are left"):
        parts_of_lines([(line_id, 1_001)], items)
    with pytest.raises(LineNotFound):
        parts_of_lines([(new_id(), None)], items)
    with pytest.raises(ValueError, match="cannot be refunded"):
        take(new_id(), items[0], 1_001)
    assert [item.refunded for item in items] == [0, 0]

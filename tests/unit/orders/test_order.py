"""One seller's order: its states, its parcels."""

from __future__ import annotations

from itertools import product

import pytest

from shared.clock import system_clock
from shared.ids import new_id
from subgraphs.orders.domain.group import CancelReason, IllegalTransition
from subgraphs.orders.domain.order import LEGAL, Order, OrderLine, OrderStatus, all_shipped, ship
from subgraphs.orders.errors import LineOfAnotherOrder, NotCancellable, NotDeliverable, NotShippable, OrderNotPaid


def an_order(status: OrderStatus, *quantities: int, paid: bool = True) -> tuple[Order, list[OrderLine]]:
    now, buyer_id, seller_id = system_clock(), new_id(), new_id()
    order = Order(
        id=new_id(),
        group_id=new_id(),
        status=status,
        currency="EUR",
        subtotal=100 * sum(quantities),
        discount=0,
        shipping=0,
        tax=0,
        total=100 * sum(quantities),
        placed_at=now,
        paid_at=now if paid else None,
        buyer_id=buyer_id,
        seller_id=seller_id,
    )
    lines = [
        OrderLine(
            id=new_id(),
            order_id=order.id,
            position=position,
            product_id=new_id(),
            variant_id=new_id(),
            sku=f"S{position}",
            title="Lamp",
            variant_title="Blue",
            quantity=quantity,
            unit_price=100,
            discount=0,
            total=100 * quantity,
            commission_bps=1000,
            buyer_id=buyer_id,
            seller_id=seller_id,
        )
        for position, quantity in enumerate(quantities)
    ]
    return order, lines


@pytest.mark.parametrize(("before", "after"), list(product(OrderStatus, OrderStatus)))
def test_an_order_takes_legal_steps_only(before: OrderStatus, after: OrderStatus) -> None:
    order, _ = an_order(before, 1)
    if after in LEGAL[before]:
        assert order.move(after) is before
        return
    with pytest.raises(IllegalTransition):
        order.move(after)
    assert order.status is before


@pytest.mark.parametrize("status", list(OrderStatus))
def test_only_a_confirmed_order_ships(status: OrderStatus) -> None:
    order, lines = an_order(status, 2, 1)
    if status is OrderStatus.CONFIRMED:
        assert ship(order, lines, []) == {lines[0].id: 2, lines[1].id: 1}
        return
    with pytest.raises(NotShippable):
        ship(order, lines, [])
    assert [line.shipped for line in lines] == [0, 0]


def test_parcels_take_what_is_left_and_never_more() -> None:
    # given an order of which one piece has left
    order, lines = an_order(OrderStatus.CONFIRMED, 2, 1)
    assert ship(order, lines, [(lines[0].id, 1)]) == {lines[0].id: 1}
    assert not all_shipped(lines)
    # when more is asked for than is left
    with pytest.raises(NotShippable):
        ship(order, lines, [(lines[0].id, 2)])
    # then the next parcel takes the rest
    assert ship(order, lines, []) == {lines[0].id: 1, lines[1].id: 1}
    assert all_shipped(lines)
    assert order.version == 3


def test_a_parcel_holds_lines_of_its_order_each_named_once() -> None:
    order, lines = an_order(OrderStatus.CONFIRMED, 2)
    with pytest.raises(LineOfAnotherOrder):
        ship(order, lines, [(new_id(), 1)])
    with pytest.raises(LineOfAnotherOrder):
        ship(order, lines, [(lines[0].id, 1), (lines[0].id, 1)])
    assert (lines[0].shipped, order.version) == (0, 1)


@pytest.mark.parametrize("status", list(OrderStatus))
def test_a_paid_order_can_be_cancelled_until_it_ships(status: OrderStatus) -> None:
    order, lines = an_order(status, 1)
    if status in (OrderStatus.PLACED, OrderStatus.CONFIRMED):
        order.require_cancellable(lines)
        assert order.cancel(CancelReason.BUYER) is status
        assert order.cancel_reason is CancelReason.BUYER
        return
    with pytest.raises(NotCancellable):
        order.require_cancellable(lines)


def test_an_unpaid_or_partly_shipped_order_cannot_be_cancelled_alone() -> None:
    unpaid, lines = an_order(OrderStatus.PLACED, 1, paid=False)
    with pytest.raises(OrderNotPaid):
        unpaid.require_cancellable(lines)
    order, lines = an_order(OrderStatus.CONFIRMED, 2)
    ship(order, lines, [(lines[0].id, 1)])
    with pytest.raises(NotCancellable):
        order.require_cancellable(lines)


@pytest.mark.parametrize("status", list(OrderStatus))
def test_only_a_shipped_order_is_delivered(status: OrderStatus) -> None:
    order, _ = an_order(status, 1)
    if status is OrderStatus.SHIPPED:
        assert order.deliver(system_clock()) is OrderStatus.SHIPPED
        assert (order.status, order.version) == (OrderStatus.DELIVERED, 2)
        return
    with pytest.raises(NotDeliverable):
        order.deliver(system_clock())
    assert order.delivered_at is None

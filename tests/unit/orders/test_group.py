"""The saga's table: every event in every state, and no step beyond the legal ones."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from shared.clock import system_clock
from shared.ids import new_id
from subgraphs.orders.domain.group import (
    DEAD,
    LEGAL,
    PARKED_ORDER,
    TARGET,
    GroupStatus,
    IllegalTransition,
    OrderGroup,
    Signal,
    Verdict,
    judge,
)

S, E, V = GroupStatus, Signal, Verdict
EVENTS = (E.RESERVED, E.RESERVATION_FAILED, E.CAPTURED, E.PAYMENT_FAILED, E.COMMITTED)
EXPECTED = {
    S.RESERVING: (V.ADVANCE, V.ADVANCE, V.PARK, V.PARK, V.PARK),
    S.AWAITING_PAYMENT: (V.IGNORE, V.IGNORE, V.ADVANCE, V.COUNT, V.PARK),
    S.PAID: (V.IGNORE, V.IGNORE, V.IGNORE, V.IGNORE, V.ADVANCE),
    S.CONFIRMED: (V.IGNORE, V.IGNORE, V.IGNORE, V.IGNORE, V.IGNORE),
    S.CANCELLED: (V.IGNORE, V.IGNORE, V.LATE_CAPTURE, V.IGNORE, V.IGNORE),
    S.EXPIRED: (V.IGNORE, V.IGNORE, V.LATE_CAPTURE, V.IGNORE, V.IGNORE),
}
CASES = [
    (status, event, verdict) for status, row in EXPECTED.items() for event, verdict in zip(EVENTS, row, strict=True)
]


def a_group(status: GroupStatus) -> OrderGroup:
    now = system_clock()
    return OrderGroup(
        id=new_id(),
        cart_id=new_id(),
        buyer_id=new_id(),
        status=status,
        currency="EUR",
        subtotal=100,
        discount=0,
        shipping=0,
        tax=0,
        total=100,
        expires_at=now + timedelta(minutes=15),
        placed_at=now,
    )


def test_the_table_names_every_state_and_every_event() -> None:
    assert set(EXPECTED) == set(GroupStatus)
    assert set(EVENTS) == set(Signal)
    assert len(CASES) == 30


@pytest.mark.parametrize(("status", "event", "verdict"), CASES)
def test_each_event_has_one_meaning_in_each_state(status: GroupStatus, event: Signal, verdict: Verdict) -> None:
    assert judge(status, event) is verdict


@pytest.mark.parametrize(("status", "event"), [(s, e) for s, e, v in CASES if v is V.ADVANCE])
def test_every_advance_is_a_legal_step(status: GroupStatus, event: Signal) -> None:
    assert TARGET[event] in LEGAL[status]


@pytest.mark.parametrize(("before", "after"), list(product(GroupStatus, GroupStatus)))
def test_a_group_takes_legal_steps_only_and_each_raises_its_version(before: GroupStatus, after: GroupStatus) -> None:
    group = a_group(before)
    if after in LEGAL[before]:
        assert group.move(after) is before
        assert (group.status, group.version) == (after, 2)
        return
    with pytest.raises(IllegalTransition):
        group.move(after)
    assert (group.status, group.version) == (before, 1)


def test_whatever_can_be_parked_has_a_place_in_the_queue() -> None:
    assert {event for _, event, verdict in CASES if verdict is V.PARK} == set(PARKED_ORDER)


@pytest.mark.parametrize("status", list(GroupStatus))
def test_only_unpaid_groups_expire_and_only_from_their_deadline_on(status: GroupStatus) -> None:
    group = a_group(status)
    unpaid = status in (S.RESERVING, S.AWAITING_PAYMENT)
    assert group.has_expired(group.expires_at) is unpaid
    assert group.has_expired(group.expires_at - timedelta(microseconds=1)) is False
    assert group.can_be_cancelled is unpaid


def test_a_dead_group_never_moves_again() -> None:
    assert all(LEGAL[status] == frozenset() for status in DEAD)

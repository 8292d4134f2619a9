"""What Prometheus is told of the checkouts that are under way."""

from __future__ import annotations

from datetime import timedelta

from prometheus_client import REGISTRY

from subgraphs.orders.service.figures import measure_checkouts
from tests.integration.orders.market import Market, a_buyer


def checkouts(state: str, age: str) -> float | None:
    return REGISTRY.get_sample_value("saga_checkouts", {"state": state, "age": age})


def oldest(state: str) -> float:
    return REGISTRY.get_sample_value("saga_oldest_checkout_seconds", {"state": state}) or 0.0


async def test_checkouts_are_counted_by_state_and_age_until_they_have_ended(market: Market) -> None:
    # given checkouts in each state that they leave again, and some that have ended
    goods = await market.sell(2500)
    waiting = await market.checkout(a_buyer(), goods)
    reserved, paid, dead = [await market.checkout(a_buyer(), goods) for _ in range(3)]
    await market.confirmed(a_buyer(), goods)
    await market.tell("inventory.reserved", reserved)
    for name in ("inventory.reserved", "payment.captured"):
        await market.tell(name, paid)
    await market.tell("inventory.reservation_failed", dead)
    # and an event that is early
    await market.tell("payment.failed", waiting)
    # when they are measured six minutes later
    market.orders.clock.advance(timedelta(minutes=6))
    try:
        await measure_checkouts(market.orders.resources.database, market.orders.clock)
        # then each shows once, in its state
        states = ("RESERVING", "AWAITING_PAYMENT", "PAID")
        assert [checkouts(state, "under_15m") for state in states] == [1, 1, 1]
        assert [checkouts(state, age) for state in states for age in ("under_1m", "under_5m", "over_15m")] == [0] * 9
        assert all(360 <= oldest(state) < 420 for state in states)
        assert REGISTRY.get_sample_value("saga_overdue_checkouts") == 0
        assert REGISTRY.get_sample_value("saga_parked_events") == 1
        # and those that are not paid are overdue once their deadline has passed
        market.orders.clock.advance(timedelta(minutes=10))
        await measure_checkouts(market.orders.resources.database, market.orders.clock)
        assert [checkouts(state, "over_15m") for state in states] == [1, 1, 1]
        assert REGISTRY.get_sample_value("saga_overdue_checkouts") == 2
    finally:
        market.orders.clock.advance(-timedelta(minutes=16))

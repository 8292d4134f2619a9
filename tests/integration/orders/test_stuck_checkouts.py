"""What somebody on duty is shown of checkouts that do not move."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from shared.testing.servers import DomainDatabase
from supergraph.checkouts import under_way
from tests.integration.orders.market import Market, a_buyer


async def test_a_checkout_under_way_is_shown_as_each_domain_has_it(
    market: Market, database_for: Callable[[str], DomainDatabase]
) -> None:
    # given one that waits for stock, with an early event, and others that wait for a payment or have ended
    url = database_for("orders").admin_url
    market.orders.clock.advance(-timedelta(minutes=5))
    try:
        goods = await market.sell(2500)
        reserving, awaiting, dead = [await market.checkout(a_buyer(), goods) for _ in range(3)]
        await market.tell("payment.failed", reserving)
        await market.tell("inventory.reserved", awaiting)
        await market.tell("inventory.reservation_failed", dead)
    finally:
        market.orders.clock.advance(timedelta(minutes=5))

    # when somebody looks for what is older than a minute, or than an hour
    shown = {str(checkout.id): checkout for checkout in await under_way(url, 60)}

    # then those that have not ended are there, with what nobody else has heard of them
    waiting, unpaid = shown[reserving["id"]], shown[awaiting["id"]]
    assert len(shown) == 2
    assert (waiting.state, waiting.early) == ("RESERVING", "payment.failed")
    assert (unpaid.state, unpaid.early) == ("AWAITING_PAYMENT", "-")
    assert {(checkout.reservation, checkout.payment) for checkout in shown.values()} == {("-", "-")}
    assert unpaid.unsent == "order.created order.awaiting_payment"
    assert all(checkout.seconds >= 300 for checkout in shown.values())
    assert all(0 < checkout.left_seconds <= 600 for checkout in shown.values())
    assert await under_way(url, 3600) == []

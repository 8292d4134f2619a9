"""What Prometheus is told of the stock's invariants."""

from __future__ import annotations

from prometheus_client import REGISTRY

from shared.testing.subgraph import SubgraphUnderTest
from subgraphs.inventory.service.figures import measure_stock
from tests.integration.inventory.test_stock import a_shop


def mismatches() -> tuple[float | None, ...]:
    return tuple(
        REGISTRY.get_sample_value("inventory_stock_mismatches", {"invariant": invariant})
        for invariant in ("available", "reserved")
    )


async def test_stock_that_is_right_shows_zero_and_rows_that_were_tampered_with_show(
    inventory: SubgraphUnderTest,
) -> None:
    # given stock that came about as it should
    shop = await a_shop(inventory)
    first, second = await shop.variant(5), await shop.variant(7)
    database = inventory.resources.database
    await measure_stock(database)
    assert mismatches() == (0, 0)
    # when the public figure of one is changed behind the service, and a unit of the other reserved by nobody
    await inventory.rows("UPDATE variant_stock SET available = available + 1 WHERE variant_id = :v", v=first)
    await inventory.rows("UPDATE stock_item SET reserved = reserved + 1 WHERE variant_id = :v", v=second)
    await measure_stock(database)
    # then both show, the second twice: its public figure is wrong as well
    assert mismatches() == (2, 1)

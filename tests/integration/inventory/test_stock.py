"""Stock from receipt to reservation and back, on a real Postgres: never oversold, whatever the order of events."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from shared.auth.actor import Actor, Kind, Role
from shared.clock import format_timestamp
from shared.ids import new_id
from shared.testing.subgraph import SubgraphUnderTest

# Production pools by transaction: so does this module, in every run.
pytestmark = pytest.mark.pooled

_ALL_ITEMS = text("SELECT seller_id FROM stock_item")
CREATE_LOCATION = """mutation($input: CreateStockLocationInput!) {
  createStockLocation(input: $input) { stockLocation { id name } userErrors { code field } } }"""
RECEIVE = """mutation($input: ReceiveStockInput!) {
  receiveStock(input: $input) { stockItem { onHand reserved available location { name } } userErrors { code field } } }"""
ADJUST = """mutation($input: AdjustStockInput!) {
  adjustStock(input: $input) { stockItem { onHand reserved available } userErrors { code field message } } }"""


@dataclass
class Shop:
    """A seller with a location; `variants` are in stock there."""

    inventory: SubgraphUnderTest
    seller: Actor
    location_id: str
    product_id: UUID = field(default_factory=new_id)

    async def variant(self, quantity: int) -> str:
        variant_id = str(new_id())
        await self.inventory.deliver(
            "variant.created",
            {
                "variant_id": variant_id,
                "product_id": str(self.product_id),
                "seller_id": str(self.seller.seller_id),
                "sku": variant_id[:8],
                "title": "Mug",
                "price": 1000,
                "currency": "EUR",
                "version": 1,
            },
        )
        if quantity:
            await self.receive(variant_id, quantity)
        return variant_id

    async def receive(self, variant_id: str, quantity: int, *, location_id: str | None = None) -> Any:
        received = {
            "idempotencyKey": str(new_id()),
            "locationId": location_id or self.location_id,
            "variantId": variant_id,
            "quantity": quantity,
        }
        return (await self.inventory.data(RECEIVE, {"input": received}, actor=self.seller))["receiveStock"]

    async def location(self, name: str) -> str:
        opened = {"idempotencyKey": str(new_id()), "name": name}
        answer = await self.inventory.data(CREATE_LOCATION, {"input": opened}, actor=self.seller)
        location_id: str = answer["createStockLocation"]["stockLocation"]["id"]
        return location_id


async def a_shop(inventory: SubgraphUnderTest) -> Shop:
    seller = Actor(user_id=new_id(), roles=frozenset({Role.SELLER}), seller_id=new_id())
    shop = Shop(inventory, seller, "")
    shop.location_id = await shop.location("Main")
    return shop


@dataclass
class Checkout:
    """A checkout's events, to be delivered in any order."""

    inventory: SubgraphUnderTest
    lines: list[tuple[str, int]]
    group_id: str = field(default_factory=lambda: str(new_id()))
    order_id: str = field(default_factory=lambda: str(new_id()))
    buyer_id: str = field(default_factory=lambda: str(new_id()))

    def __post_init__(self) -> None:
        self.line_ids = [str(new_id()) for _ in self.lines]

    def _group(self) -> dict[str, Any]:
        order = {"order_id": self.order_id, "seller_id": str(new_id())}
        figures = {"subtotal": 0, "discount": 0, "shipping": 0, "tax": 0, "total": 0}
        lines = [
            {
                "line_id": line_id,
                "product_id": str(new_id()),
                "variant_id": variant_id,
                "quantity": quantity,
                "unit_price": 0,
                "discount": 0,
                "total": 0,
                "commission_bps": 1000,
            }
            for line_id, (variant_id, quantity) in zip(self.line_ids, self.lines, strict=True)
        ]
        return {
            "order_group_id": self.group_id,
            "buyer_id": self.buyer_id,
            "currency": "EUR",
            "total": 0,
            "orders": [order | figures | {"lines": lines}],
        }

    async def created(self, event_id: UUID | None = None) -> None:
        deadline = format_timestamp(self.inventory.clock() + timedelta(minutes=15))
        await self.inventory.deliver("order.created", self._group() | {"expires_at": deadline}, event_id=event_id)

    async def paid(self) -> None:
        await self.inventory.deliver("order.paid", self._group() | {"payment_id": str(new_id())})

    async def expired(self) -> None:
        await self.inventory.deliver("order.expired", {"order_group_id": self.group_id, "buyer_id": self.buyer_id})

    async def cancelled(self, *, paid: bool) -> None:
        lines = [
            {"line_id": line_id, "variant_id": variant_id, "quantity": quantity, "total": 0}
            for line_id, (variant_id, quantity) in zip(self.line_ids, self.lines, strict=True)
        ]
        await self.inventory.deliver(
            "order.cancelled",
            {
                "order_group_id": self.group_id,
                "order_id": self.order_id if paid else None,
                "buyer_id": self.buyer_id,
                "seller_id": None,
                "reason": "BUYER",
                "paid": paid,
                "total": 0,
                "currency": "EUR",
                "lines": lines if paid else [],
            },
        )

    async def told(self) -> list[str]:
        """Names of the events about this checkout, in order."""
        events = await self.inventory.events()
        return [e["event_name"] for e in events if e["payload"].get("order_group_id") == self.group_id]


async def figures(inventory: SubgraphUnderTest, variant_id: str) -> tuple[int, int, int]:
    """(on hand, reserved, public figure) over all locations; the last must be the difference of the first two."""
    (row,) = await inventory.rows(
        "SELECT coalesce(sum(i.on_hand), 0)::int AS on_hand, coalesce(sum(i.reserved), 0)::int AS reserved,"
        " min(s.available)::int AS available FROM variant_stock s LEFT JOIN stock_item i USING (variant_id)"
        " WHERE s.variant_id = :v",
        v=UUID(variant_id),
    )
    assert row["available"] == row["on_hand"] - row["reserved"]
    return row["on_hand"], row["reserved"], row["available"]


async def test_received_stock_is_available_and_told(inventory: SubgraphUnderTest) -> None:
    # given a shop with a new variant
    shop = await a_shop(inventory)
    variant_id = await shop.variant(0)
    # when ten units arrive
    payload = await shop.receive(variant_id, 10)
    # then they lie there, anybody sees them, and the change is told with its version
    assert payload == {
        "stockItem": {"onHand": 10, "reserved": 0, "available": 10, "location": {"name": "Main"}},
        "userErrors": [],
    }
    (seen,) = await inventory.entities(
        "... on Variant { availability { available inStock level } }", {"__typename": "Variant", "id": variant_id}
    )
    assert seen == {"availability": {"available": 10, "inStock": True, "level": "IN_STOCK"}}
    changed = [e for e in await inventory.events("inventory.stock_changed") if e["payload"]["variant_id"] == variant_id]
    assert [(e["payload"]["available"], e["payload"]["version"]) for e in changed] == [(10, 2)]


async def test_a_checkout_holds_all_its_lines_over_several_locations(inventory: SubgraphUnderTest) -> None:
    shop = await a_shop(inventory)
    variant_id = await shop.variant(3)
    await shop.receive(variant_id, 4, location_id=await shop.location("Overflow"))
    checkout = Checkout(inventory, [(variant_id, 6)])
    await checkout.created()
    assert await checkout.told() == ["inventory.reserved"]
    assert await figures(inventory, variant_id) == (7, 6, 1)
    # and a program with the scope sees the same, whoever's stock it is; of what never lay anywhere there is nothing
    program = Actor(kind=Kind.PARTNER, api_client_id=new_id(), scopes=frozenset({"stock:read"}))
    references = [{"__typename": "Variant", "id": str(id_)} for id_ in (variant_id, new_id())]
    inventory.reset_statements()
    seen = await inventory.entities(
        "... on Variant { stock { onHand reserved available } }", *references, actor=program
    )
    assert seen == [{"stock": {"onHand": 7, "reserved": 6, "available": 1}}, {"stock": None}]
    assert len([statement for statement in inventory.statements if "stock_item" in statement]) == 1


async def test_a_checkout_that_is_short_of_one_line_holds_none(inventory: SubgraphUnderTest) -> None:
    shop = await a_shop(inventory)
    plenty, scarce = await shop.variant(10), await shop.variant(1)
    checkout = Checkout(inventory, [(plenty, 2), (scarce, 2)])
    await checkout.created()
    assert await checkout.told() == ["inventory.reservation_failed"]
    (failed,) = (await inventory.events("inventory.reservation_failed"))[-1:]
    assert failed["payload"]["shortages"] == [{"variant_id": scarce, "requested": 2, "available": 1}]
    assert await figures(inventory, plenty) == (10, 0, 10)
    assert await figures(inventory, scarce) == (1, 0, 1)


async def test_a_paid_checkout_takes_its_stock_and_a_cancelled_order_brings_it_back(
    inventory: SubgraphUnderTest,
) -> None:
    shop = await a_shop(inventory)
    variant_id = await shop.variant(10)
    checkout = Checkout(inventory, [(variant_id, 4)])
    await checkout.created()
    await checkout.paid()
    assert await figures(inventory, variant_id) == (6, 0, 6)
    await checkout.cancelled(paid=True)
    assert await figures(inventory, variant_id) == (10, 0, 10)
    assert await checkout.told() == ["inventory.reserved", "inventory.committed", "inventory.released"]


async def test_an_expired_checkout_gives_back_what_it_held(inventory: SubgraphUnderTest) -> None:
    shop = await a_shop(inventory)
    variant_id = await shop.variant(10)
    checkout = Checkout(inventory, [(variant_id, 4)])
    await checkout.created()
    await checkout.expired()
    assert await figures(inventory, variant_id) == (10, 0, 10)
    assert await checkout.told() == ["inventory.reserved", "inventory.released"]


async def test_a_cancel_before_its_checkout_leaves_nothing_held(inventory: SubgraphUnderTest) -> None:
    shop = await a_shop(inventory)
    variant_id = await shop.variant(10)
    checkout = Checkout(inventory, [(variant_id, 4)])
    await checkout.cancelled(paid=False)
    await checkout.created()
    assert await figures(inventory, variant_id) == (10, 0, 10)
    assert await checkout.told() == []


async def test_a_payment_before_its_checkout_takes_the_stock_when_that_comes(inventory: SubgraphUnderTest) -> None:
    shop = await a_shop(inventory)
    variant_id = await shop.variant(10)
    checkout = Checkout(inventory, [(variant_id, 4)])
    await checkout.paid()
    await checkout.created()
    assert await figures(inventory, variant_id) == (6, 0, 6)
    assert await checkout.told() == ["inventory.reserved", "inventory.committed"]


async def test_an_order_cancelled_before_its_payment_is_known_ends_with_its_stock_back(
    inventory: SubgraphUnderTest,
) -> None:
    shop = await a_shop(inventory)
    variant_id = await shop.variant(10)
    for story in permutations(("created", "cancelled", "paid")):
        checkout = Checkout(inventory, [(variant_id, 4)])
        for step in story:
            await (checkout.cancelled(paid=True) if step == "cancelled" else getattr(checkout, step)())
        assert await figures(inventory, variant_id) == (10, 0, 10), story


async def test_the_same_event_twice_holds_once(inventory: SubgraphUnderTest) -> None:
    shop = await a_shop(inventory)
    variant_id, event_id = await shop.variant(10), new_id()
    checkout = Checkout(inventory, [(variant_id, 4)])
    await checkout.created(event_id)
    await checkout.created(event_id)
    await checkout.created()
    assert await figures(inventory, variant_id) == (10, 4, 6)
    assert await checkout.told() == ["inventory.reserved"]


async def test_forty_checkouts_that_lock_in_opposite_orders_sell_exactly_what_there_is(
    inventory: SubgraphUnderTest,
) -> None:
    # given ten units of each of two variants
    shop = await a_shop(inventory)
    first, second = await shop.variant(10), await shop.variant(10)
    checkouts = [Checkout(inventory, [(first, 1), (second, 1)][:: 1 if n % 2 else -1]) for n in range(40)]
    # when forty checkouts want one of each, half of them in the other order, all at once
    await asyncio.gather(*[checkout.created() for checkout in checkouts])
    # then ten hold both, thirty hold nothing, and nobody died in a deadlock
    outcomes = [await checkout.told() for checkout in checkouts]
    assert outcomes.count(["inventory.reserved"]) == 10
    assert outcomes.count(["inventory.reservation_failed"]) == 30
    assert await figures(inventory, first) == (10, 10, 0)
    assert await figures(inventory, second) == (10, 10, 0)


async def test_random_stories_side_by_side_keep_every_figure(inventory: SubgraphUnderTest) -> None:
    # given stock for some of many checkouts, each with a story of its own, seeded
    dice = random.Random(20261123)
    shop = await a_shop(inventory)
    variants = [await shop.variant(dice.randint(5, 20)) for _ in range(4)]
    stock = {v: (await figures(inventory, v))[0] for v in variants}
    checkouts = [
        Checkout(inventory, [(v, dice.randint(1, 3)) for v in dice.sample(variants, dice.randint(1, 3))])
        for _ in range(40)
    ]
    ends = ["paid", "expired", "unpaid cancel", "paid and cancelled", "none"]

    async def play(checkout: Checkout, end: str, *, late: bool) -> None:
        if not late:
            await checkout.created()
        match end:
            case "paid":
                await checkout.paid()
            case "expired":
                await checkout.expired()
            case "unpaid cancel":
                await checkout.cancelled(paid=False)
            case "paid and cancelled":
                await checkout.paid()
                await checkout.cancelled(paid=True)
        if late:
            await checkout.created()

    # when all run side by side
    await asyncio.gather(*[play(c, dice.choice(ends), late=dice.random() < 0.3) for c in checkouts])
    # then available + reserved + sold = initial stock per variant, and no dead checkout holds anything
    for variant_id in variants:
        on_hand, reserved, available = await figures(inventory, variant_id)
        (sold,) = await inventory.rows(
            "SELECT coalesce(sum(quantity), 0)::int AS units FROM reservation_line"
            " WHERE variant_id = :v AND status = 'COMMITTED'",
            v=UUID(variant_id),
        )
        (held,) = await inventory.rows(
            "SELECT coalesce(sum(quantity), 0)::int AS units FROM reservation_line JOIN reservation USING (order_group_id)"
            " WHERE variant_id = :v AND reservation_line.status = 'HELD' AND reservation.status = 'HELD'",
            v=UUID(variant_id),
        )
        assert available + reserved + sold["units"] == stock[variant_id]
        assert reserved == held["units"]
        assert on_hand + sold["units"] == stock[variant_id]


async def test_an_adjustment_below_what_is_reserved_is_refused(inventory: SubgraphUnderTest) -> None:
    shop = await a_shop(inventory)
    variant_id = await shop.variant(10)
    await Checkout(inventory, [(variant_id, 4)]).created()
    adjusted = {
        "idempotencyKey": str(new_id()),
        "locationId": shop.location_id,
        "variantId": variant_id,
        "delta": -7,
        "reason": "count",
    }
    answer = await inventory.data(ADJUST, {"input": adjusted}, actor=shop.seller)
    assert answer["adjustStock"]["userErrors"] == [
        {
            "code": "INSUFFICIENT_STOCK",
            "field": ["delta"],
            "message": "Only 6 units here are neither sold nor reserved.",
        }
    ]
    assert await figures(inventory, variant_id) == (10, 4, 6)


async def test_the_last_units_are_told_as_low_once(inventory: SubgraphUnderTest) -> None:
    shop = await a_shop(inventory)
    variant_id = await shop.variant(8)
    await Checkout(inventory, [(variant_id, 4)]).created()
    await Checkout(inventory, [(variant_id, 1)]).created()
    low = [e for e in await inventory.events("inventory.low") if e["payload"]["variant_id"] == variant_id]
    assert [(e["payload"]["available"], e["payload"]["threshold"]) for e in low] == [(4, 5)]


async def test_another_sellers_stock_is_neither_seen_nor_changed(inventory: SubgraphUnderTest) -> None:
    shop, other = await a_shop(inventory), await a_shop(inventory)
    variant_id = await shop.variant(10)
    received = {
        "idempotencyKey": str(new_id()),
        "locationId": shop.location_id,
        "variantId": variant_id,
        "quantity": 1,
    }
    answer = await inventory.data(RECEIVE, {"input": received}, actor=other.seller)
    assert answer["receiveStock"]["userErrors"] == [{"code": "VARIANT_NOT_FOUND", "field": ["variantId"]}]
    listed = "{ stockItems { totalCount edges { node { onHand } } } stockMovements { totalCount } }"
    assert await inventory.data(listed, actor=shop.seller) == {
        "stockItems": {"totalCount": 1, "edges": [{"node": {"onHand": 10}}]},
        "stockMovements": {"totalCount": 1},
    }
    assert await inventory.data(listed, actor=other.seller) == {
        "stockItems": {"totalCount": 0, "edges": []},
        "stockMovements": {"totalCount": 0},
    }
    # and row-level security keeps it so even for a query that forgets to ask
    async with inventory.resources.database.read(other.seller.scope()) as session:
        from_table = await session.execute(_ALL_ITEMS)
        assert shop.seller.seller_id not in {row.seller_id for row in from_table}


async def test_availability_of_twenty_products_costs_one_statement(inventory: SubgraphUnderTest) -> None:
    shop = await a_shop(inventory)
    await shop.variant(3)
    references = [{"__typename": "Product", "id": str(shop.product_id)}]
    references += [{"__typename": "Product", "id": str(new_id())} for _ in range(19)]
    inventory.reset_statements()
    found = await inventory.entities("... on Product { availability { available level } }", *references)
    assert found[0] == {"availability": {"available": 3, "level": "LOW"}}
    assert found[1:] == [{"availability": {"available": 0, "level": "OUT"}}] * 19
    assert len(inventory.statements) == 1

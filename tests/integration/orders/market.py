"""A small market for the tests of orders: sellers with products told by events, buyers with carts, and the saga's events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from shared.auth.actor import ANONYMOUS, Actor, Role
from shared.ids import new_id
from shared.testing.subgraph import SubgraphUnderTest

ADD = """mutation($input: AddToCartInput!) { addToCart(input: $input) {
  cart { id version currency lines { id quantity priceChanged forSale unitPrice { amount } variant { id sku } } }
  cartToken userErrors { code field message } } }"""
CHECKOUT = """mutation($input: CheckoutInput!) { checkout(input: $input) {
  orderGroup { id status total { amount currency } orders { id status seller { id } total { amount } lines { id } } }
  userErrors { code field message } } }"""
CANCEL_GROUP = """mutation($input: CancelOrderGroupInput!) { cancelOrderGroup(input: $input) {
  orderGroup { id status cancelReason } userErrors { code } } }"""
CANCEL = """mutation($input: CancelOrderInput!) { cancelOrder(input: $input) {
  order { id status cancelReason } userErrors { code } } }"""
SHIP = """mutation($input: ShipOrderInput!) { shipOrder(input: $input) {
  order { id status shipments { carrier trackingCode lines { quantity line { id shippedQuantity } } } }
  userErrors { code field message } } }"""
DELIVER = """mutation($input: DeliverOrderInput!) { deliverOrder(input: $input) {
  order { id status } userErrors { code } } }"""
STAFF = Actor(user_id=new_id(), roles=frozenset({Role.SUPPORT}))


@dataclass(frozen=True, slots=True)
class Goods:
    """One variant on sale."""

    seller_id: str
    product_id: str
    variant_id: str
    price: int


def a_buyer() -> Actor:
    return Actor(user_id=new_id(), roles=frozenset({Role.CUSTOMER}))


def seller_actor(seller_id: str) -> Actor:
    return Actor(user_id=new_id(), roles=frozenset({Role.CUSTOMER, Role.SELLER}), seller_id=UUID(seller_id))


def key() -> str:
    return str(new_id())


@dataclass(frozen=True, slots=True)
class Market:
    orders: SubgraphUnderTest

    async def approve_seller(
        self, seller_id: str | None = None, *, commission_bps: int = 1000, version: int = 2
    ) -> str:
        seller_id = seller_id or str(new_id())
        who = {"owner_id": str(new_id()), "name": "A seller", "actor_id": str(new_id())}
        await self.orders.deliver(
            "seller.approved", who | {"seller_id": seller_id, "version": version, "commission_bps": commission_bps}
        )
        return seller_id

    async def sell(self, price: int = 1000, *, seller_id: str | None = None, currency: str = "EUR") -> Goods:
        """A published product with one variant, of an approved seller."""
        goods = Goods(seller_id or await self.approve_seller(), str(new_id()), str(new_id()), price)
        about = {"seller_id": goods.seller_id, "product_id": goods.product_id, "version": 1}
        await self.orders.deliver(
            "variant.created",
            about
            | {
                "variant_id": goods.variant_id,
                "sku": f"SKU-{goods.variant_id[:8]}",
                "title": "Blue",
                "price": price,
                "currency": currency,
            },
        )
        await self.orders.deliver("product.published", about | {"title": "Lamp", "category_id": None})
        return goods

    async def change_price(self, goods: Goods, price: int, version: int = 2) -> None:
        about = {"seller_id": goods.seller_id, "product_id": goods.product_id, "variant_id": goods.variant_id}
        await self.orders.deliver(
            "variant.price_changed", about | {"price": price, "currency": "EUR", "version": version}
        )

    async def add(
        self, goods: Goods, quantity: int = 1, *, actor: Actor = ANONYMOUS, token: str | None = None
    ) -> dict[str, Any]:
        values = {"idempotencyKey": key(), "variantId": goods.variant_id, "quantity": quantity, "cartToken": token}
        answer = await self.orders.data(ADD, {"input": values}, actor=actor)
        payload: dict[str, Any] = answer["addToCart"]
        return payload

    async def try_checkout(self, buyer: Actor, version: int, *, idempotency_key: str | None = None) -> dict[str, Any]:
        values = {"idempotencyKey": idempotency_key or key(), "cartVersion": version}
        answer = await self.orders.data(CHECKOUT, {"input": values}, actor=buyer)
        payload: dict[str, Any] = answer["checkout"]
        return payload

    async def checkout(self, buyer: Actor, *goods: Goods, quantity: int = 1) -> dict[str, Any]:
        """A group of these goods in RESERVING."""
        version = 0
        for item in goods:
            version = (await self.add(item, quantity, actor=buyer))["cart"]["version"]
        payload = await self.try_checkout(buyer, version)
        assert payload["userErrors"] == []
        group: dict[str, Any] = payload["orderGroup"]
        return group

    async def confirmed(self, buyer: Actor, *goods: Goods, quantity: int = 1) -> dict[str, Any]:
        """A group that is reserved, paid and committed."""
        group = await self.checkout(buyer, *goods, quantity=quantity)
        for name in ("inventory.reserved", "payment.captured", "inventory.committed"):
            await self.tell(name, group)
        return group

    async def tell(self, name: str, group: dict[str, Any], *, event_id: UUID | None = None, **more: Any) -> None:
        await self.orders.deliver(name, self.saga_payload(name, group) | more, event_id=event_id)

    def saga_payload(self, name: str, group: dict[str, Any]) -> dict[str, Any]:
        """What inventory and payments tell of this group."""
        now, total, currency = self.orders.now(), group["total"]["amount"], group["total"]["currency"]
        money = {"amount": total, "currency": currency}
        line = {"line_id": key(), "variant_id": key(), "quantity": 1}
        shortage = {"variant_id": key(), "requested": 2, "available": 1}
        refund: dict[str, Any] = {"order_id": None, "actor_id": None, "reason": "late capture", "lines": []}
        told: dict[str, dict[str, Any]] = {
            "inventory.reserved": {"reservation_id": key(), "expires_at": now, "lines": [line]},
            "inventory.reservation_failed": {"shortages": [shortage]},
            "inventory.committed": {"reservation_id": key()},
            "inventory.released": {"order_id": None, "lines": []},
            "payment.captured": {"payment_id": key(), "captured_at": now, "version": 3} | money,
            "payment.failed": {"payment_id": key(), "attempt": 1, "reason": "declined", "version": 2},
            "payment.voided": {"payment_id": key(), "version": 3},
            "refund.succeeded": {"refund_id": key(), "payment_id": key(), "buyer_id": key()} | refund | money,
        }
        return {"order_group_id": group["id"]} | told[name]

    @asynccontextmanager
    async def held(self, table: str, row_id: str, *, waiting: int) -> AsyncIterator[None]:
        """Hold a row until `waiting` others queue for it: what is started inside the block meets there for certain."""
        async with self.orders.admin.begin() as holder:
            await holder.execute(
                text(f"SELECT 1 FROM {self.orders.domain}.{table} WHERE id = :id FOR UPDATE"), {"id": row_id}
            )
            yield
            await self.until_waiting(waiting)

    async def until_waiting(self, number: int) -> None:
        """Until that many transactions of this database wait for a lock."""
        waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        async with asyncio.timeout(30):
            while len(await self.orders.rows(waiting)) < number:  # noqa: ASYNC110 — Postgres sends no event for it.
                await asyncio.sleep(0.01)

    async def group(self, group_id: str) -> dict[str, Any]:
        (row,) = await self.orders.rows("SELECT * FROM order_group WHERE id = :id", id=group_id)
        return row

    async def order(self, order_id: str) -> dict[str, Any]:
        (row,) = await self.orders.rows("SELECT * FROM customer_order WHERE id = :id", id=order_id)
        return row

    async def told(self, aggregate_id: str) -> list[tuple[str, int]]:
        """Names and versions of what was published of a group or an order, in order."""
        events = await self.orders.events()
        return [(e["event_name"], e["aggregate_version"]) for e in events if str(e["aggregate_id"]) == aggregate_id]

    async def last(self, name: str, aggregate_id: str) -> dict[str, Any]:
        """The payload of the last event of that name."""
        found = [e["payload"] for e in await self.orders.events(name) if str(e["aggregate_id"]) == aggregate_id]
        payload: dict[str, Any] = found[-1]
        return payload

    async def history(self, group_id: str) -> list[str]:
        """The states that the group entered."""
        rows = await self.orders.rows(
            "SELECT to_status FROM state_transition WHERE group_id = :id AND order_id IS NULL ORDER BY position",
            id=group_id,
        )
        return [row["to_status"] for row in rows]


def lines_of(group: dict[str, Any]) -> Sequence[str]:
    return [line["id"] for order in group["orders"] for line in order["lines"]]

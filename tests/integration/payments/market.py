"""The steps of payments' tests: groups, events, requests, and what can be seen of them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from shared.auth.actor import Actor, Role
from shared.clock import format_timestamp
from shared.ids import new_id
from shared.register import PROJECT_ROOT
from shared.testing.eventually import eventually
from shared.testing.subgraph import SubgraphUnderTest
from subgraphs.payments.domain.payment import OPEN_ATTEMPT

SECRET = "whsec_test"
FINANCE = Actor(user_id=new_id(), roles=frozenset({Role.FINANCE}))
SUPPORT = Actor(user_id=new_id(), roles=frozenset({Role.SUPPORT}))

START = """mutation($input: StartPaymentInput!) {
  startPayment(input: $input) { payment { id status attempt failureReason } userErrors { code field } }
}"""
CONFIRM = """mutation($input: ConfirmPaymentInput!) {
  confirmPayment(input: $input) { payment { id status } userErrors { code } }
}"""
REFUND = """mutation($input: RefundOrderInput!) {
  refundOrder(input: $input) {
    refund { id status failureReason amount { amount } lines { lineId amount { amount } } } userErrors { code field }
  }
}"""
RUN = """mutation($input: RunPayoutsInput!) {
  runPayouts(input: $input) {
    runId userErrors { code }
    payouts(first: 100) { totalCount edges { node { id seller { id } amount { amount } status failureReason } } }
  }
}"""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a test's order, in cents and basis points."""

    id: str
    total: int
    commission_bps: int


@dataclass(frozen=True, slots=True)
class Group:
    """A checkout group with one order a seller. `orders` are (order, seller, lines, shipping)."""

    id: str
    buyer: Actor
    orders: tuple[tuple[str, Actor, tuple[Line, ...], int], ...]

    @property
    def total(self) -> int:
        return sum(self.order_total(index) for index in range(len(self.orders)))

    def order_total(self, index: int) -> int:
        _, _, lines, shipping = self.orders[index]
        return sum(line.total for line in lines) + shipping

    def seller(self, index: int = 0) -> Actor:
        return self.orders[index][1]

    def order(self, index: int = 0) -> str:
        return self.orders[index][0]


def a_seller() -> Actor:
    return Actor(user_id=new_id(), roles=frozenset({Role.SELLER, Role.CUSTOMER}), seller_id=new_id())


def a_group(*orders: tuple[list[tuple[int, int]], int], sellers: tuple[Actor, ...] = ()) -> Group:
    """`a_group(([(total, bps), …], shipping), …)`; without arguments one order of one line of 100.00 at 10 %."""
    orders = orders or (([(10_000, 1_000)], 0),)
    made = tuple(
        (
            str(new_id()),
            sellers[index] if index < len(sellers) else a_seller(),
            tuple(Line(str(new_id()), total, bps) for total, bps in lines),
            shipping,
        )
        for index, (lines, shipping) in enumerate(orders)
    )
    return Group(str(new_id()), Actor(user_id=new_id(), roles=frozenset({Role.CUSTOMER})), made)


@dataclass(slots=True)
class Market:
    """Payments under test, with the provider it calls."""

    payments: SubgraphUnderTest
    provider: httpx.AsyncClient
    webhook_url: str

    async def announce(self, group: Group, *, minutes: float = 15, total: int | None = None) -> None:
        expires_at = format_timestamp(self.payments.clock() + timedelta(minutes=minutes))
        orders = [
            {
                "order_id": order_id,
                "seller_id": str(seller.seller_id),
                "subtotal": sum(line.total for line in lines),
                "discount": 0,
                "shipping": shipping,
                "tax": 0,
                "total": group.order_total(index),
                "lines": [
                    {
                        "line_id": line.id,
                        "product_id": str(new_id()),
                        "variant_id": str(new_id()),
                        "quantity": 1,
                        "unit_price": line.total,
                        "discount": 0,
                        "total": line.total,
                        "commission_bps": line.commission_bps,
                    }
                    for line in lines
                ],
            }
            for index, (order_id, seller, lines, shipping) in enumerate(group.orders)
        ]
        payload = {
            "order_group_id": group.id,
            "buyer_id": str(group.buyer.user_id),
            "currency": "EUR",
            "total": group.total if total is None else total,
            "expires_at": expires_at,
            "orders": orders,
        }
        await self.deliver("order.awaiting_payment", payload, group.id, version=2)

    async def expire(self, group: Group) -> None:
        payload = {"order_group_id": group.id, "buyer_id": str(group.buyer.user_id)}
        await self.deliver("order.expired", payload, group.id, version=3)

    async def cancel(self, group: Group, index: int | None = None) -> None:
        """The whole group, or after its payment the order of that index."""
        lines = [line for i, order in enumerate(group.orders) if index in (None, i) for line in order[2]]
        payload = {
            "order_group_id": group.id,
            "order_id": None if index is None else group.order(index),
            "buyer_id": str(group.buyer.user_id),
            "seller_id": None if index is None else str(group.seller(index).seller_id),
            "reason": "BUYER",
            "paid": index is not None,
            "total": group.total if index is None else group.order_total(index),
            "currency": "EUR",
            "lines": [
                {"line_id": line.id, "variant_id": str(new_id()), "quantity": 1, "total": line.total} for line in lines
            ],
        }
        await self.deliver("order.cancelled", payload, group.id if index is None else group.order(index), version=3)

    async def arrive(self, group: Group, index: int = 0) -> None:
        """The order of that index is delivered now."""
        line = {"line_id": str(new_id()), "product_id": str(new_id()), "variant_id": str(new_id()), "quantity": 1}
        payload = {
            "order_group_id": group.id,
            "order_id": group.order(index),
            "buyer_id": str(group.buyer.user_id),
            "seller_id": str(group.seller(index).seller_id),
            "delivered_at": self.payments.now(),
            "lines": [line],
        }
        await self.deliver("order.delivered", payload, group.order(index), version=4)

    async def approve(self, seller: Actor) -> None:
        payload = {
            "seller_id": str(seller.seller_id),
            "version": 1,
            "owner_id": str(seller.user_id),
            "name": "Shop",
            "actor_id": str(new_id()),
            "commission_bps": 1_000,
        }
        await self.deliver("seller.approved", payload, str(seller.seller_id), version=1)

    async def deliver(self, name: str, payload: dict[str, Any], aggregate_id: str, *, version: int) -> None:
        """Every event comes twice, under one id and then under another, as after a replay."""
        for event_id in (first := new_id(), first, new_id()):
            await self.payments.deliver(
                name, payload, event_id=event_id, aggregate_id=UUID(aggregate_id), version=version
            )

    async def start(self, group: Group, method: str = "pm_ok", *, key: str | None = None) -> dict[str, Any]:
        variables = {"idempotencyKey": key or str(new_id()), "orderGroupId": group.id, "paymentMethod": method}
        data = await self.payments.data(START, {"input": variables}, actor=group.buyer)
        answer: dict[str, Any] = data["startPayment"]
        return answer

    async def pay(self, *orders: tuple[list[tuple[int, int]], int], sellers: tuple[Actor, ...] = ()) -> Group:
        """A group that is announced and captured."""
        group = a_group(*orders, sellers=sellers)
        await self.announce(group)
        assert (await self.start(group))["payment"]["status"] == "CAPTURED"
        return group

    async def refund(self, order_id: str, actor: Actor = SUPPORT, **what: Any) -> dict[str, Any]:
        variables = {"idempotencyKey": str(new_id()), "orderId": order_id, "reason": "GOODWILL", **what}
        answer: dict[str, Any] = (await self.payments.data(REFUND, {"input": variables}, actor=actor))["refundOrder"]
        return answer

    async def run_payouts(self, period: str, *, key: str | None = None) -> dict[str, Any]:
        variables = {"idempotencyKey": key or str(new_id()), "period": period}
        answer: dict[str, Any] = (await self.payments.data(RUN, {"input": variables}, actor=FINANCE))["runPayouts"]
        return answer

    async def job(self, name: str) -> None:
        (job,) = [job for job in self.payments.subgraph.jobs if job.name == name]
        await job.run()

    async def settle(self, *, after: timedelta = timedelta()) -> None:
        """The reconciling job, run by another worker `after` so long."""
        self.payments.clock.advance(after)
        await self.job("settle")

    async def is_settled(self) -> bool:
        """Whether another round leaves nothing open, and no charge that only the provider knows: its webhooks come late."""
        await self.settle(after=timedelta(minutes=6))
        (row,) = await self.payments.rows(
            "SELECT (SELECT count(*) FROM payment_attempt WHERE status = ANY(:open))"
            " + (SELECT count(*) FROM refund WHERE status = 'PENDING') AS open",
            open=[status.value for status in OPEN_ATTEMPT],
        )
        paid = {str(row["id"]) for row in await self.payments.rows("SELECT id FROM payment WHERE status = 'CAPTURED'")}
        charges = (await self.provider.get("/charges")).json()
        known = all(charge["key"].partition(":")[0] in paid for charge in charges if charge["state"] == "CAPTURED")
        return row["open"] == 0 and known

    async def deliver_and_release(self, group: Group, index: int = 0) -> None:
        await self.arrive(group, index)
        self.payments.clock.advance(timedelta(days=7, seconds=1))
        await self.release(group, index)

    async def release(self, group: Group, index: int = 0) -> None:
        """Run the job until that order is released: it passes a group over that somebody works on, and webhooks come late."""
        await eventually("the release", lambda: self._is_released(group.order(index)))

    async def _is_released(self, order_id: str) -> bool:
        """Whether it is after one more run."""
        await self.job("release")
        (row,) = await self.payments.rows(
            "SELECT released_at IS NOT NULL AS yes FROM payable_order WHERE id = :o", o=order_id
        )
        return bool(row["yes"])

    async def charges(self, group: Group) -> list[dict[str, Any]]:
        """What the provider has really charged for the group."""
        rows = await self.payments.rows("SELECT id FROM payment WHERE group_id = :g", g=group.id)
        known = (await self.provider.get("/charges")).json()
        return [c for c in known if rows and c["key"].startswith(str(rows[0]["id"])) and c["state"] == "CAPTURED"]

    async def payment(self, group: Group) -> dict[str, Any]:
        (row,) = await self.payments.rows("SELECT id, status, attempt FROM payment WHERE group_id = :g", g=group.id)
        return row

    async def events(self, group: Group) -> list[str]:
        """Names of what was told of the group, in order."""
        told = await self.payments.events()
        return [e["event_name"] for e in told if e["payload"].get("order_group_id") == group.id]

    async def postings(self, reference: Any) -> dict[str, list[tuple[str, int]]]:
        """(account, amount) by kind of entry; sellers' accounts have their seller's id behind a colon."""
        rows = await self.payments.rows(
            "SELECT e.kind AS entry, a.kind, a.seller_id, p.amount FROM posting p"
            " JOIN journal_entry e ON e.id = p.entry_id JOIN ledger_account a ON a.id = p.account_id"
            " WHERE e.reference = :r ORDER BY e.kind, p.amount DESC, a.kind",
            r=reference,
        )
        found: dict[str, list[tuple[str, int]]] = {}
        for row in rows:
            account = f"{row['kind']}:{row['seller_id']}" if row["seller_id"] else row["kind"]
            found.setdefault(row["entry"], []).append((account, row["amount"]))
        return found

    async def balance(self, seller: Actor) -> tuple[int, int]:
        """(pending, available) in cents, as the seller sees them."""
        query = "{ sellerBalance { pending { amount } available { amount } } }"
        found = (await self.payments.data(query, actor=seller))["sellerBalance"]
        return found["pending"]["amount"], found["available"]["amount"]

    async def require_balanced_ledger(self) -> None:
        """I3, and that the parts of items and refunds agree with the journal."""
        assert await self.payments.rows("SELECT entry_id FROM posting GROUP BY entry_id HAVING sum(amount) <> 0") == []
        (total,) = await self.payments.rows("SELECT COALESCE(sum(amount), 0) AS sum FROM posting")
        assert total == {"sum": 0}

    async def refunded(self, group: Group) -> int:
        """Cents that went back to the group's buyer."""
        (row,) = await self.payments.rows(
            "SELECT COALESCE(sum(amount), 0)::bigint AS sum FROM refund WHERE group_id = :g AND status = 'SUCCEEDED'",
            g=group.id,
        )
        return int(row["sum"])

    async def require_agreement_with_provider(self) -> None:
        """The clearing account holds what the provider has taken, less what it has sent back and paid out."""
        charged, *sent = [(await self.provider.get(path)).json() for path in ("/charges", "/refunds", "/payouts")]
        taken = sum(charge["amount"] for charge in charged if charge["state"] == "CAPTURED")
        given = sum(transfer["amount"] for kind in sent for transfer in kind if transfer["state"] == "SUCCEEDED")
        (row,) = await self.payments.rows(
            "SELECT COALESCE(sum(p.amount), 0)::bigint AS sum FROM posting p"
            " JOIN ledger_account a ON a.id = p.account_id WHERE a.kind = 'PROVIDER_CLEARING'"
        )
        assert row["sum"] == taken - given


def start_simulator(port: int, webhook_url: str, secret: Path, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "subgraphs.payments.adapters.simulator", "--port", str(port)],
        env=os.environ
        | {
            "WEBHOOK_URL": webhook_url,
            "PROVIDER_WEBHOOK_SECRET_FILE": str(secret),
            "SIMULATOR_DELAY_SECONDS": "0.3",
            **environment,
        },
        cwd=PROJECT_ROOT,
    )


async def until_answering(provider: httpx.AsyncClient) -> None:
    async def ask() -> bool:
        try:
            return (await provider.get("/charges")).status_code == 200
        except httpx.TransportError:
            return False

    await until(ask)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Waits for what another process brings about; the deadline only ends a test that has failed."""
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110 — another process changes it.
            await asyncio.sleep(0.02)

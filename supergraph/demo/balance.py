"""Shows stock, orders, ledger, mail and audit entries at the end of the story, and checks every figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx

from supergraph.demo.client import Client, until
from supergraph.demo.timeline import Timeline, euros

TRIAL_BALANCE = '{ trialBalance(currency: "EUR") { total { amount } accounts { account balance { amount } } } }'
STOCK = """query($id: ID!) { stockItems(variantId: $id) { edges { node { onHand reserved available
  variant { sku availability { available } } } } } }"""
ORDERS = """query($id: ID!) { orderGroup(id: $id) { status total { amount } payment { status amount { amount } }
  orders { id status total { amount } refunded { amount } seller { name }
    lines { title quantity unitPrice { amount } total { amount } } } } }"""
AUDIT = """query($target: ID!) { auditLog(filter: { targetId: $target }, first: 20) {
  edges { node { position action occurredAt actor { id displayName } } } } }"""


class Books:
    def __init__(self, finance: Client, admin: Client, mail: httpx.AsyncClient, timeline: Timeline) -> None:
        self._finance = finance
        self._admin = admin
        self._mail = mail
        self._tell = timeline

    async def trial_balance(self) -> dict[str, int]:
        """Cents by account over the whole platform."""
        balance = (await self._finance.ask(TRIAL_BALANCE))["trialBalance"]
        accounts = {account["account"]: account["balance"]["amount"] for account in balance["accounts"]}
        self._tell.check(
            "the trial balance sums to zero", holds=balance["total"]["amount"] == 0 == sum(accounts.values())
        )
        return accounts

    async def show_stock(self, seller: Client, variant_id: str, *, received: int, sold: int) -> None:
        (item,) = [e["node"] for e in (await seller.ask(STOCK, {"id": variant_id}))["stockItems"]["edges"]]
        public = item["variant"]["availability"]["available"]
        holds = (item["onHand"], item["reserved"], public) == (received - sold, 0, received - sold)
        detail = f"{received} received = {sold} sold + {item['onHand']} on hand; the window says {public}"
        self._tell.check(f"stock of {item['variant']['sku']}", holds=holds, detail=detail)

    async def show_orders(self, buyer: Client, group_id: str) -> None:
        group = (await buyer.ask(ORDERS, {"id": group_id}))["orderGroup"]
        rows = [
            (
                order["seller"]["name"],
                order["status"].lower(),
                euros(order["total"]["amount"]),
                euros(order["refunded"]["amount"]),
            )
            for order in group["orders"]
        ]
        self._tell.table("  Orders", ("seller", "status", "total", "refunded"), rows)
        lines = [line for order in group["orders"] for line in order["lines"]]
        exact = all(line["quantity"] * line["unitPrice"]["amount"] == line["total"]["amount"] for line in lines)
        totals = [
            sum(line["total"]["amount"] for line in lines),
            sum(order["total"]["amount"] for order in group["orders"]),
        ]
        paid = group["payment"]["amount"]["amount"]
        self._tell.check(
            "lines, orders, group and payment have one total",
            holds=exact and set(totals) == {group["total"]["amount"]} == {paid},
            detail=euros(paid),
        )

    async def show_ledger(self, before: dict[str, int], *, captured: int, refunded: int) -> None:
        """What the story moved: only differences count, the platform has other customers."""
        clearing = captured - refunded

        async def settled() -> dict[str, int] | None:
            balance = (await self._finance.ask(TRIAL_BALANCE))["trialBalance"]["accounts"]
            now = {account["account"]: account["balance"]["amount"] for account in balance}
            moved = {name: now[name] - before.get(name, 0) for name in now if now[name] != before.get(name, 0)}
            return moved if moved.get("PROVIDER_CLEARING") == clearing else None

        moved = await until("the ledger has booked everything", settled)
        rows = [(name.replace("_", " ").lower(), euros(amount)) for name, amount in sorted(moved.items())]
        self._tell.table("  Ledger, what the story moved (debits positive)", ("account", "moved"), rows)
        commission = -moved.get("PLATFORM_COMMISSION", 0)
        sellers = -moved.get("SELLER_PAYABLE", 0) - moved.get("SELLER_AVAILABLE", 0)
        self._tell.check("debits equal credits", holds=sum(moved.values()) == 0)
        self._tell.check(
            "captured - refunded = commission + what the sellers get",
            holds=clearing == commission + sellers and commission == clearing // 10,
            detail=f"{euros(captured)} - {euros(refunded)} = {euros(commission)} + {euros(sellers)}",
        )

    async def show_mail(self, email: str, expected: Sequence[str]) -> None:
        async def arrived() -> list[Any] | None:
            letters: list[Any] = (await self._mail.get("/messages", params={"to": email})).json()["messages"]
            subjects = " ".join(letter["subject"].lower() for letter in letters)
            return letters if all(word in subjects for word in expected) else None

        letters = await until(f"mail about {', '.join(expected)}", arrived)
        self._tell.table("  Mail to the buyer", ("subject",), [(letter["subject"],) for letter in letters])
        self._tell.check(
            "every letter came once", holds=len(letters) == len({letter["messageId"] for letter in letters})
        )

    async def show_audit(self, targets: Sequence[str]) -> None:
        """Audit hears by events: the last of them may take a moment."""
        wanted = {
            "order.created",
            "order.paid",
            "order.confirmed",
            "order.delivered",
            "seller.approved",
            "refund.succeeded",
        }

        async def written() -> list[tuple[int, str, str]] | None:
            rows = [row for target in targets for row in await self._audit_rows(target)]
            return rows if wanted <= {action for _, action, _ in rows} else None

        rows = await until("the audit log has every step", written)
        self._tell.table("  Audit log, what concerns this order", ("#", "what", "by"), sorted(rows))
        self._tell.check("the audit log has every step", holds=True, detail=", ".join(sorted(wanted)))
        chain = (await self._admin.ask("{ verifyAuditChain { intact checked } }"))["verifyAuditChain"]
        self._tell.check("the audit chain is unbroken", holds=chain["intact"], detail=f"{chain['checked']} entries")

    async def _audit_rows(self, target: str) -> list[tuple[int, str, str]]:
        """Position, action and whose it was."""
        answer = await self._admin.ask(AUDIT, {"target": target})
        return [
            (node["position"], node["action"], (node["actor"] or {}).get("displayName") or "the system")
            for node in (edge["node"] for edge in answer["auditLog"]["edges"])
        ]

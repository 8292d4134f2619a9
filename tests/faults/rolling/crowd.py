"""Who buys, browses, sells and keeps the books while services are restarted; each act writes events of its domain."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import httpx

from shared.ids import new_id
from supergraph.demo.acts import Offer, add_to_cart, list_product, order_reaches, pay, receive, register
from supergraph.demo.client import Client
from tests.faults.rolling.load import CountedClient, Load

Act = Callable[[], Awaitable[None]]
PASSWORD = "rolling-restart-load"
_UNITS = 100_000
_JOURNEYS_A_PERSON = 20

STOCK = """{ stockLocations(first: 1) { edges { node { id } } }
  stockItems(first: 20) { edges { node { variant { id product { id } } } } } }"""
PAGE = """query($first: Int!) { products(first: $first, sort: TITLE) { edges { node {
  title priceRange { min { amount } } seller { name } availability { available level } rating { count average } } } } }"""
MINE = """{ me { displayName } orders(first: 5) { totalCount edges { node { status total { amount }
  lines { quantity product { title } } payment { status } } } } }"""
SALES = """{ sellerBalance { available { amount } } stockMovements(first: 10) { edges { node { id } } }
  sellerOrders(first: 3, status: CONFIRMED) { edges { node { id } } } }"""
BOOKS = """{ ledger(first: 10) { edges { node { id } } } trialBalance { total { amount } }
  payouts(first: 5) { edges { node { id } } } }"""
OVERSIGHT = """{ auditLog(first: 10) { edges { node { action } } } users(first: 5) { edges { node { id } } }
  verificationQueue(first: 5) { edges { node { id } } } moderationQueue(first: 5) { edges { node { id } } } }"""


@dataclass
class Crowd:
    """Everybody has a client with connections of its own. `logins` are the demo's people."""

    url: str
    load: Load
    stack: AsyncExitStack
    logins: list[dict[str, str]]
    variants: list[tuple[str, str]] = field(default_factory=list)
    """Each with its product, in the order of their ids."""

    async def client(self, name: str) -> CountedClient:
        http = httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=60)
        return CountedClient(await self.stack.enter_async_context(http), name, self.load)

    async def signed_in(self, role: str) -> CountedClient:
        login = next(login for login in self.logins if login["role"].startswith(role))
        client = await self.client(role)
        await client.sign_in(login["email"], login["password"])
        return client

    async def stock_up(self) -> None:
        """The demo's first seller gets more on its shelves than the load can buy."""
        seller = await self.signed_in("seller")
        stock = await seller.ask(STOCK)
        found = {
            (e["node"]["variant"]["id"], e["node"]["variant"]["product"]["id"]) for e in stock["stockItems"]["edges"]
        }
        self.variants = sorted(found)
        place = stock["stockLocations"]["edges"][0]["node"]["id"]
        await receive(seller, place, [variant for variant, _ in self.variants], _UNITS)

    async def buys(self, number: int) -> Act:
        """From the cart to a confirmed order, as a new person every so often, who may review what has arrived."""
        buyer = await self.client(f"buyer {number}")
        journeys = 0

        async def journey() -> None:
            nonlocal journeys
            if journeys % _JOURNEYS_A_PERSON == 0:
                await register(buyer, f"buyer-{new_id()}@rolling.example", PASSWORD)
            journeys += 1
            variant, product = self.variants[(number + journeys) % len(self.variants)]
            cart = (await add_to_cart(buyer, variant, 1))["cart"]
            placed = await buyer.do("checkout", "orderGroup { id }", cartVersion=cart["version"])
            group = placed["orderGroup"]["id"]
            await order_reaches(buyer, group, "AWAITING_PAYMENT")
            await pay(buyer, group)
            await order_reaches(buyer, group, "CONFIRMED")
            self.load.confirmed += 1
            await buyer.ask(MINE)
            # Refused where the parcel is still on its way, or where the product has this person's review.
            review = {"productId": product, "rating": 5, "title": "Good", "idempotencyKey": str(new_id())}
            await buyer.attempt("submitReview", "review { id }", **review)

        return journey

    async def browses(self, number: int) -> Act:
        visitor = await self.client(f"visitor {number}")
        pages = 0

        async def browse() -> None:
            nonlocal pages
            pages += 1
            # Another page size is another question: what the gateway keeps does not answer all of them.
            await visitor.ask(PAGE, {"first": 1 + (pages + 7 * number) % 40})

        return browse

    async def sells(self) -> Act:
        """Sends off what is paid, and lists something new now and then."""
        seller = await self._staying("seller")
        rounds = 0

        async def sell() -> None:
            nonlocal rounds
            rounds += 1
            sales = await (await seller()).ask(SALES)
            for edge in sales["sellerOrders"]["edges"]:
                order = edge["node"]["id"]
                await (await seller()).do("shipOrder", "order { status }", orderId=order, carrier="Post")
                await (await seller()).do("deliverOrder", "order { status }", orderId=order)
            if rounds % 10 == 0:
                await list_product(await seller(), Offer(f"Novelty {new_id()}", "New.", (999,), 0))
            await asyncio.sleep(0.2)

        return sell

    async def keeps_books(self) -> Act:
        finance = await self._staying("finance")
        rounds = 0

        async def look() -> None:
            nonlocal rounds
            rounds += 1
            await (await finance()).ask(BOOKS)
            if rounds % 5 == 0:
                rate = 1000 + rounds % 7
                await (await finance()).do("setCommissionRule", "commissionRule { rateBps }", rateBps=rate)
            await asyncio.sleep(0.5)

        return look

    async def oversees(self) -> Act:
        admin = await self._staying("admin")

        async def look() -> None:
            await (await admin()).ask(OVERSIGHT)
            await asyncio.sleep(0.5)

        return look

    async def _staying(self, role: str) -> Callable[[], Awaitable[Client]]:
        """The client of a person who signs in anew before the access token ends."""
        login = next(login for login in self.logins if login["role"].startswith(role))
        client, uses = await self.client(role), 0

        async def use() -> Client:
            nonlocal uses
            if uses % 400 == 0:
                await client.sign_in(login["email"], login["password"])
            uses += 1
            return client

        return use

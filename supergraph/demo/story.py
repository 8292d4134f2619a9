"""The story of `./task demo`: two shops open, a buyer fills one cart from both, pays, receives, reviews; the books balance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from shared.ids import new_id
from supergraph.demo.acts import (
    Listed,
    Offer,
    add_to_cart,
    apply_as_seller,
    list_product,
    open_location,
    order_reaches,
    pay,
    receive,
    register,
    sign_in_as_seller,
)
from supergraph.demo.balance import Books
from supergraph.demo.client import Client, until
from supergraph.demo.timeline import Timeline, euros

PASSWORD = "a-good-long-password"  # noqa: S105 — of people who live for one story.
SEARCH = """query($text: String!) {
  search(query: $text, first: 5) { totalCount edges { node {
    id title seller { name } priceRange { min { amount } } availability { available level } rating { count average }
    variants { id sku price { amount } } } } } }"""
CART = """{ myCart { version subtotal { amount } lines { id quantity title unitPrice { amount } total { amount }
  seller { name } variant { sku } } } }"""


@dataclass(frozen=True, slots=True)
class Shop:
    owner: Client
    name: str
    email: str
    seller_id: str
    listed: Listed
    units: int


class Story:
    """`staff` are the demo logins by role. `mail` is the mail sink, where everybody reads their letters."""

    def __init__(
        self,
        graph: httpx.AsyncClient,
        mail: httpx.AsyncClient,
        timeline: Timeline,
        staff: Mapping[str, tuple[str, str]],
    ) -> None:
        self._graph = graph
        self._mail = mail
        self._tell = timeline
        self._staff = staff
        self._tag = str(new_id())[:8]
        self._admin = Client(graph, "Ada, admin")
        self._finance = Client(graph, "Fay, finance")
        self._support = Client(graph, "Sam, support")

    async def play(self) -> None:
        for person, role in ((self._admin, "admin"), (self._finance, "finance"), (self._support, "support")):
            await person.sign_in(*self._staff[role])
        books = Books(self._finance, self._admin, self._mail, self._tell)
        before = await books.trial_balance()
        shops = await self._open_shops()
        buyer, email, group = await self._buy(shops)
        await self._deliver(shops, group)
        await self._review(buyer, shops[0])
        refund_id, refund = await self._refund(group)
        self._tell.act("The books")
        await books.show_stock(shops[0].owner, shops[0].listed.variants[0], received=shops[0].units, sold=2)
        await books.show_stock(shops[1].owner, shops[1].listed.variants[0], received=shops[1].units, sold=1)
        await books.show_orders(buyer, group["id"])
        await books.show_ledger(before, captured=group["total"]["amount"], refunded=refund)
        await books.show_mail(email, ["order", "shipped", "delivered", "refund"])
        orders = [order["id"] for order in group["orders"]]
        await books.show_audit([group["id"], *orders, shops[0].seller_id, refund_id])

    async def _open_shops(self) -> list[Shop]:
        self._tell.act("Two shops open")
        mug = Offer(f"Stoneware mug {self._tag}", "Holds a good cup of tea.", (2400,), 10)
        book = Offer(f"Laid paper notebook {self._tag}", "Paper made by hand.", (1850,), 5)
        return [
            await self._open_shop("Pia, potter", f"Pia's Pottery {self._tag}", f"pia-{self._tag}@example.org", mug),
            await self._open_shop("Max, miller", f"Max's Mill {self._tag}", f"max-{self._tag}@example.org", book),
        ]

    async def _open_shop(self, who: str, name: str, email: str, offer: Offer) -> Shop:
        owner = Client(self._graph, who)
        await register(owner, email, PASSWORD)
        seller_id = await apply_as_seller(owner, name)
        self._tell.step(who, f"registers and applies as a seller: {name}")
        await self._admin.do("approveSeller", "seller { id status }", sellerId=seller_id)
        self._tell.step("Ada, admin", f"approves {name}")
        await sign_in_as_seller(owner, email, PASSWORD)
        listed = await list_product(owner, offer)
        self._tell.step(who, f"lists {offer.title} at {euros(offer.prices[0])}")
        await receive(owner, await open_location(owner, "Workshop"), listed.variants, offer.units)
        self._tell.step(who, f"receives {offer.units} units")
        return Shop(owner, name, email, seller_id, listed, offer.units)

    async def _buy(self, shops: list[Shop]) -> tuple[Client, str, Any]:
        self._tell.act("A buyer comes along")
        buyer, email = Client(self._graph, "Bo, buyer"), f"bo-{self._tag}@example.org"
        found = await self._search(buyer, self._tag, len(shops))
        for product in found:
            price, left = product["priceRange"]["min"]["amount"], product["availability"]["available"]
            self._tell.step(
                "Bo, visitor", f"finds {product['title']} by {product['seller']['name']}: {euros(price)}, {left} left"
            )
        guest = await add_to_cart(buyer, shops[0].listed.variants[0], 2)
        self._tell.step("Bo, visitor", "puts two mugs into a guest's cart")
        await register(buyer, email, PASSWORD)
        await self._verify_email(buyer, email)
        await buyer.do("mergeCart", "cart { id version }", cartToken=guest["cartToken"])
        self._tell.step("Bo, buyer", "registers, verifies the address from the mail, and takes the guest's cart along")
        await add_to_cart(buyer, shops[1].listed.variants[0], 1)
        cart = (await buyer.ask(CART))["myCart"]
        rows = [
            (line["title"], line["seller"]["name"], line["quantity"], euros(line["total"]["amount"]))
            for line in cart["lines"]
        ]
        self._tell.table("  One cart from two sellers", ("what", "from", "units", "total"), rows)
        placed = await buyer.do("checkout", "orderGroup { id status }", cartVersion=cart["version"])
        group_id = placed["orderGroup"]["id"]
        self._tell.step("Bo, buyer", f"checks out {euros(cart['subtotal']['amount'])}")
        await order_reaches(buyer, group_id, "AWAITING_PAYMENT")
        self._tell.step("inventory", "holds all of it for 15 minutes")
        payment = await pay(buyer, group_id)
        self._tell.step("Bo, buyer", f"pays {euros(payment['amount']['amount'])}: {payment['status'].lower()}")
        group = await order_reaches(buyer, group_id, "CONFIRMED")
        self._tell.step("orders", "confirms: paid, and the stock is taken")
        self._tell.check(
            "the order's total is the cart's",
            holds=group["total"]["amount"] == cart["subtotal"]["amount"] == payment["amount"]["amount"],
            detail=euros(group["total"]["amount"]),
        )
        return buyer, email, group

    async def _search(self, buyer: Client, text: str, expected: int) -> list[Any]:
        async def found() -> list[Any] | None:
            nodes = [e["node"] for e in (await buyer.ask(SEARCH, {"text": text}))["search"]["edges"]]
            stocked = [node for node in nodes if node["availability"]["available"]]
            return stocked if len(stocked) == expected else None

        return await until("both products are found", found)

    async def _verify_email(self, buyer: Client, email: str) -> None:
        async def token() -> str | None:
            letters = (await self._mail.get("/messages", params={"to": email})).json()["messages"]
            words = [word for letter in letters for word in letter["text"].split()]
            return next((word.removeprefix("token:") for word in words if word.startswith("token:")), None)

        await buyer.do("verifyEmail", "user { emailVerified }", token=await until("the verification mail", token))

    async def _deliver(self, shops: list[Shop], group: Any) -> None:
        self._tell.act("The goods travel")
        by_seller = {
            order["seller"]["id"]: order["id"]
            for order in (
                await self._support.ask(
                    "query($id: ID!) { orderGroup(id: $id) { orders { id seller { id } } } }", {"id": group["id"]}
                )
            )["orderGroup"]["orders"]
        }
        for shop in shops:
            order_id = by_seller[shop.seller_id]
            await shop.owner.do(
                "shipOrder", "order { status }", orderId=order_id, carrier="Post", trackingCode=self._tag
            )
            await shop.owner.do("deliverOrder", "order { status }", orderId=order_id)
            self._tell.step(shop.owner.name, "ships; the parcel is delivered")

    async def _review(self, buyer: Client, shop: Shop) -> None:
        values = {"productId": shop.listed.product_id, "rating": 5, "title": "A joy to hold"}

        async def submitted() -> Any:
            return await buyer.retry("submitReview", "review { id status }", "PRODUCT_NOT_RECEIVED", **values)

        review = (await until("the delivery is known to reviews", submitted))["review"]
        await self._support.do("moderateReview", "review { status }", reviewId=review["id"], verdict="PUBLISH")
        query = "query($id: ID!) { product(id: $id) { rating { count average } } }"
        rating = (await buyer.ask(query, {"id": shop.listed.product_id}))["product"]["rating"]
        self._tell.step("Bo, buyer", f"reviews the mug; it now has {rating['average']} stars of {rating['count']}")
        self._tell.check("the rating counts the review", holds=rating == {"count": 1, "average": 5.0})

    async def _refund(self, group: Any) -> tuple[str, int]:
        """Of a part of the first order; the refund's id and its cents."""
        order_id, amount = group["orders"][0]["id"], 500
        payload = await self._finance.do(
            "refundOrder", "refund { id status }", orderId=order_id, amount=amount, reason="GOODWILL"
        )
        refund_id = payload["refund"]["id"]
        query = "query($id: ID!) { order(id: $id) { refunded { amount } refundable { amount } } }"

        async def refunded() -> Any:
            order = (await self._support.ask(query, {"id": order_id}))["order"]
            return order if order["refunded"]["amount"] == amount else None

        order = await until(f"refund {refund_id} has reached the order", refunded)
        self._tell.step(
            "Fay, finance",
            f"refunds {euros(amount)} for goodwill; {euros(order['refundable']['amount'])} could still go back",
        )
        return refund_id, amount

"""What people do on a marketplace, each act one function over the graph; the seed and the story are made of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from supergraph.demo.client import Client, until


@dataclass(frozen=True, slots=True)
class Offer:
    """A product with one variant a price; `prices` in cents."""

    title: str
    description: str
    prices: tuple[int, ...]
    units: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A product in the window: `variants` are their ids in the order of the prices."""

    product_id: str
    title: str
    variants: tuple[str, ...]


async def register(person: Client, email: str, password: str) -> str:
    """Register and sign in; the user's id."""
    payload = await person.do("register", "user { id }", email=email, password=password, displayName=person.name)
    await person.sign_in(email, password)
    user_id: str = payload["user"]["id"]
    return user_id


async def apply_as_seller(owner: Client, shop: str) -> str:
    """Apply and hand in the documents; the seller's id."""
    applied = await owner.do("applyAsSeller", "seller { id status }", name=shop)
    seller_id: str = applied["seller"]["id"]
    await submit_documents(owner, seller_id)
    return seller_id


async def submit_documents(owner: Client, seller_id: str) -> None:
    documents = [{"kind": "BUSINESS_REGISTRATION", "reference": f"register/{seller_id[:8]}"}]
    await owner.do("submitVerification", "seller { id status }", sellerId=seller_id, documents=documents)


async def approve(admin: Client, seller_id: str) -> None:
    await admin.do("approveSeller", "seller { id status }", sellerId=seller_id)


async def become_seller(owner: Client, admin: Client, shop: str, email: str, password: str) -> str:
    """Apply, be approved, and sign in again as a seller; the seller's id."""
    seller_id = await apply_as_seller(owner, shop)
    await approve(admin, seller_id)
    await sign_in_as_seller(owner, email, password)
    return seller_id


async def sign_in_as_seller(owner: Client, email: str, password: str) -> None:
    """The role comes with an event; the access token that is issued after it carries it.

    Looking is free, signing in is not: the gateway lets nobody sign in many times a minute.
    """

    async def appointed() -> bool | None:
        roles = (await owner.ask("{ me { roles } }"))["me"]["roles"]
        return True if "SELLER" in roles else None

    await until(f"{owner.name} is a seller", appointed)
    await owner.sign_in(email, password)


async def open_location(seller: Client, name: str) -> str:
    opened = await seller.do("createStockLocation", "stockLocation { id }", name=name)
    location_id: str = opened["stockLocation"]["id"]
    return location_id


async def list_product(seller: Client, offer: Offer, *, category_id: str | None = None) -> Listed:
    """Create, submit and publish."""
    product = await create_product(seller, offer, category_id=category_id)
    await publish(seller, product)
    return Listed(product["id"], offer.title, tuple(variant["id"] for variant in product["variants"]))


async def create_product(seller: Client, offer: Offer, *, category_id: str | None = None) -> Any:
    """The draft with the ids of its variants; the seller's approval may take a moment to reach the catalog."""
    variants = [
        {"sku": f"{_slug(offer.title)}-{number}", "title": f"{offer.title}, size {number}", "price": price}
        for number, price in enumerate(offer.prices, start=1)
    ]
    values: dict[str, Any] = {
        "title": offer.title,
        "description": offer.description,
        "currency": "EUR",
        "variants": variants,
    }
    if category_id:
        values["categoryId"] = category_id

    async def created() -> Any:
        payload = await seller.retry(
            "createProduct", "product { id status variants { id } }", "SELLER_NOT_ACTIVE", **values
        )
        return payload["product"] if payload else None

    return await until(f"{offer.title} is created", created)


async def publish(seller: Client, product: Any) -> None:
    """The steps that are left from the product's status to the window."""
    left = {"DRAFT": ("submitProduct", "publishProduct"), "SUBMITTED": ("publishProduct",)}.get(product["status"], ())
    for step in left:
        await seller.do(step, "product { status }", productId=product["id"])


async def receive(seller: Client, location_id: str, variants: Sequence[str], units: int) -> None:
    """Put units of each variant on the shelf; inventory may hear of a new variant a moment later."""
    for variant_id in variants:
        values = {"locationId": location_id, "variantId": variant_id, "quantity": units}

        async def received(values: dict[str, Any] = values) -> Any:
            return await seller.retry("receiveStock", "stockItem { onHand }", "VARIANT_NOT_FOUND", **values)

        await until("the stock is received", received)


async def add_to_cart(buyer: Client, variant_id: str, quantity: int, *, cart_token: str | None = None) -> Any:
    """The payload; orders may hear of a new product a moment later."""
    values: dict[str, Any] = {"variantId": variant_id, "quantity": quantity}
    if cart_token:
        values["cartToken"] = cart_token

    async def added() -> Any:
        return await buyer.retry("addToCart", "cartToken cart { id version }", "NOT_FOR_SALE", **values)

    return await until("the product is for sale", added)


async def order_reaches(buyer: Client, group_id: str, *states: str) -> Any:
    """The group once it is in one of these states."""
    query = "query($id: ID!) { orderGroup(id: $id) { id status cancelReason total { amount } orders { id status } } }"

    async def reached() -> Any:
        group = (await buyer.ask(query, {"id": group_id}))["orderGroup"]
        return group if group["status"] in states else None

    return await until(f"the order is {' or '.join(states)}", reached)


async def pay(buyer: Client, group_id: str) -> Any:
    """Pay with the simulator's good card; payments may hear of the order a moment later."""
    values = {"orderGroupId": group_id, "paymentMethod": "pm_ok"}

    async def paid() -> Any:
        payload = await buyer.retry(
            "startPayment", "payment { id status amount { amount } }", "ORDER_GROUP_NOT_FOUND", **values
        )
        return payload["payment"] if payload else None

    return await until("the payment is taken", paid)


def _slug(title: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())

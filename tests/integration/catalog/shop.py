"""What tests of the catalogue do again and again: sellers that may sell, products in the window, events from elsewhere."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from shared.auth.actor import Actor, Role
from shared.ids import new_id
from shared.testing.subgraph import SubgraphUnderTest

ADMIN = Actor(user_id=new_id(), roles=frozenset({Role.ADMIN}))
MODERATOR = Actor(user_id=new_id(), roles=frozenset({Role.SUPPORT}))
BUYER = Actor(user_id=new_id(), roles=frozenset({Role.CUSTOMER}))

PRODUCT = "product { id status title listed priceRange { min { amount currency } max { amount } } variants { id sku } }"
ERRORS = "userErrors { code field message }"


def a_seller() -> Actor:
    return Actor(user_id=new_id(), roles=frozenset({Role.CUSTOMER, Role.SELLER}), seller_id=new_id())


def keyed(**values: Any) -> dict[str, Any]:
    return {"input": {"idempotencyKey": str(new_id())} | values}


async def approve(catalog: SubgraphUnderTest, seller_id: UUID | None, *, version: int = 2) -> None:
    facts = {"owner_id": str(new_id()), "name": "Lamps & Co", "actor_id": str(new_id()), "commission_bps": 1000}
    await catalog.deliver("seller.approved", {"seller_id": str(seller_id), "version": version} | facts)


async def suspend(catalog: SubgraphUnderTest, seller_id: UUID | None, *, version: int = 3) -> None:
    facts = {"owner_id": str(new_id()), "actor_id": str(new_id()), "reason": "late"}
    await catalog.deliver("seller.suspended", {"seller_id": str(seller_id), "version": version} | facts)


async def reinstate(catalog: SubgraphUnderTest, seller_id: UUID | None, *, version: int = 4) -> None:
    facts = {"owner_id": str(new_id()), "actor_id": str(new_id())}
    await catalog.deliver("seller.reinstated", {"seller_id": str(seller_id), "version": version} | facts)


async def change_stock(
    catalog: SubgraphUnderTest, product: dict[str, Any], available: int, *, version: int = 1, variant: int = 0
) -> None:
    await catalog.deliver(
        "inventory.stock_changed",
        {
            "variant_id": product["variants"][variant]["id"],
            "product_id": product["id"],
            "seller_id": str(new_id()),
            "available": available,
            "version": version,
        },
    )


async def rate(catalog: SubgraphUnderTest, product_id: str, *, count: int, total: int, version: int) -> None:
    await catalog.deliver(
        "review.published",
        {
            "review_id": str(new_id()),
            "product_id": product_id,
            "seller_id": str(new_id()),
            "rating": 5,
            "product_rating": {"count": count, "sum": total, "version": version},
            "actor_id": None,
        },
    )


async def approved_seller(catalog: SubgraphUnderTest) -> Actor:
    seller = a_seller()
    await approve(catalog, seller.seller_id)
    return seller


async def mutate(
    catalog: SubgraphUnderTest, name: str, actor: Actor, /, *, answer: str = PRODUCT, **values: Any
) -> dict[str, Any]:
    """The payload of a mutation, refused or not."""
    type_name = f"{name[0].upper()}{name[1:]}Input"
    query = f"mutation($input: {type_name}!) {{ {name}(input: $input) {{ {answer} {ERRORS} }} }}"
    payload: dict[str, Any] = (await catalog.data(query, keyed(**values), actor=actor))[name]
    return payload


async def done(catalog: SubgraphUnderTest, name: str, actor: Actor, /, **values: Any) -> dict[str, Any]:
    """The product after a mutation that must not be refused."""
    payload = await mutate(catalog, name, actor, **values)
    assert payload["userErrors"] == []
    product: dict[str, Any] = payload["product"]
    return product


def a_product(**values: Any) -> dict[str, Any]:
    variants = [{"sku": f"SKU-{new_id()}", "title": "Standard", "price": 1999}]
    return {"title": "Desk lamp", "description": "It shines.", "currency": "EUR", "variants": variants} | values


async def draft(catalog: SubgraphUnderTest, seller: Actor, **values: Any) -> dict[str, Any]:
    return await done(catalog, "createProduct", seller, **a_product(**values))


async def publish(catalog: SubgraphUnderTest, seller: Actor, **values: Any) -> dict[str, Any]:
    product = await draft(catalog, seller, **values)
    await done(catalog, "submitProduct", seller, productId=product["id"])
    return await done(catalog, "publishProduct", seller, productId=product["id"])


async def a_category(catalog: SubgraphUnderTest, name: str, /, **values: Any) -> str:
    payload = await mutate(
        catalog, "createCategory", ADMIN, answer="category { id }", name=name, slug=f"c-{new_id()}", **values
    )
    assert payload["userErrors"] == []
    category_id: str = payload["category"]["id"]
    return category_id


async def listed_titles(
    catalog: SubgraphUnderTest, filter: dict[str, Any], *, sort: str = "NEWEST", actor: Actor | None = None
) -> list[str]:
    query = """query($filter: ProductFilter, $sort: ProductSort!) {
      products(filter: $filter, sort: $sort, first: 100) { edges { node { title } } }
    }"""
    found = await catalog.data(query, {"filter": filter, "sort": sort}, actor=actor or Actor())
    return [edge["node"]["title"] for edge in found["products"]["edges"]]

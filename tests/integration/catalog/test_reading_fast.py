"""What reading costs: statements counted, and the cache of products in Redis."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from redis.asyncio import Redis

from shared.auth.actor import Actor
from shared.cache.tagged_cache import TaggedCache
from shared.db.scope import Scope
from shared.ids import new_id
from shared.testing.subgraph import SubgraphUnderTest
from subgraphs.catalog.adapters.product_cache import PREFIX, ProductCache
from subgraphs.catalog.repository.products import products_by_id
from tests.integration.catalog.shop import BUYER, a_category, approved_seller, done, draft, publish

PAGE = """query($f: ProductFilter) { products(filter: $f, first: 20) { edges { node {
  id title priceRange { min { amount } } variants { id sku price { amount currency } } category { name } seller { id }
} } } }"""
LISTS = " ".join(
    f"... on {name} {{ products(first: 5) {{ totalCount edges {{ node {{ title }} }} }} }}"
    for name in ("Seller", "Category")
)
BY_ID = "query($id: ID!) { product(id: $id) { title status priceRange { max { amount } } } }"


async def a_page_of_twenty(catalog: SubgraphUnderTest) -> list[dict[str, Any]]:
    seller, category = await approved_seller(catalog), await a_category(catalog, "Lamps")
    variants = [{"title": "V", "price": 100 + at} for at in range(3)]
    return [
        await publish(
            catalog, seller, categoryId=category, variants=[variant | {"sku": f"{new_id()}"} for variant in variants]
        )
        for _ in range(20)
    ]


async def test_a_page_of_twenty_products_costs_three_statements_for_visitors_and_buyers(
    catalog: SubgraphUnderTest,
) -> None:
    # given twenty products with three variants each
    await a_page_of_twenty(catalog)
    for actor in (Actor(), BUYER):
        catalog.reset_statements()
        # when the first page is read with variants, prices and categories
        page = await catalog.data(PAGE, {}, actor=actor)
        # then products, variants and categories are one statement each
        nodes = [edge["node"] for edge in page["products"]["edges"]]
        assert [len(node["variants"]) for node in nodes] == [3] * 20
        assert {node["category"]["name"] for node in nodes} == {"Lamps"}
        assert len(catalog.statements) == 3


async def test_entities_of_one_request_cost_one_statement_and_then_none(catalog: SubgraphUnderTest) -> None:
    # given twenty products and an empty cache
    products = await a_page_of_twenty(catalog)
    await catalog.resources.redis.flushall()
    references = [{"__typename": "Product", "id": product["id"]} for product in products]
    variants = [{"__typename": "Variant", "id": product["variants"][0]["id"]} for product in products]
    # when they are asked for twice, and their variants once
    counts = []
    for asked in (references, references, variants):
        catalog.reset_statements()
        found = await catalog.entities("... on Product { id } ... on Variant { id sku price { amount } }", *asked)
        assert [entity["id"] for entity in found] == [reference["id"] for reference in asked]
        counts.append(len(catalog.statements))
    # then the second time Redis has the products
    assert counts == [1, 0, 1]


async def test_pages_of_products_of_many_sellers_and_categories_are_one_statement_each(
    catalog: SubgraphUnderTest,
) -> None:
    # given three sellers with a product in a category of its own each
    sellers = [await approved_seller(catalog) for _ in range(3)]
    categories = [await a_category(catalog, "Lamps") for _ in sellers]
    for seller, category in zip(sellers, categories, strict=True):
        await publish(catalog, seller, categoryId=category)
    counts = []
    for references, others in (
        ([{"__typename": "Seller", "id": str(seller.seller_id)} for seller in sellers], 0),
        ([{"__typename": "Category", "id": category} for category in categories], 1),
    ):
        # when the pages of all and their totals are asked for
        catalog.reset_statements()
        found = await catalog.entities(LISTS, *references)
        assert found == [{"products": {"totalCount": 1, "edges": [{"node": {"title": "Desk lamp"}}]}}] * 3
        counts.append(len(catalog.statements) - others)
    # then pages are one statement and totals another, beside the one that finds the categories
    assert counts == [2, 2]


async def test_a_change_is_seen_at_once_although_the_product_was_cached(catalog: SubgraphUnderTest) -> None:
    # given a product that lies in Redis under its documented key
    seller = await approved_seller(catalog)
    product = await publish(catalog, seller)
    await catalog.data(BY_ID, {"id": product["id"]})
    redis: Redis = catalog.resources.redis
    assert await redis.exists(f"product:{product['id']}") == 1
    assert 0 < await redis.pttl(f"product:{product['id']}") <= 60_000
    # when its title and then a price change, and it is archived
    seen = []
    await done(catalog, "updateProduct", seller, productId=product["id"], title="New")
    seen.append(await catalog.data(BY_ID, {"id": product["id"]}))
    await done(catalog, "changePrice", seller, variantId=product["variants"][0]["id"], price=5)
    seen.append(await catalog.data(BY_ID, {"id": product["id"]}))
    await done(catalog, "archiveProduct", seller, productId=product["id"])
    seen.append(await catalog.data(BY_ID, {"id": product["id"]}))
    # then each read is true
    published = {"title": "New", "status": "PUBLISHED"}
    assert seen == [
        {"product": published | {"priceRange": {"max": {"amount": 1999}}}},
        {"product": published | {"priceRange": {"max": {"amount": 5}}}},
        {"product": None},
    ]


async def test_what_was_read_before_a_change_is_not_put_after_it(catalog: SubgraphUnderTest) -> None:
    # given a reader that has missed and has read the product, and is slow to put it
    seller = await approved_seller(catalog)
    product = await publish(catalog, seller)
    cache = ProductCache(TaggedCache(catalog.resources.redis, PREFIX), timedelta(minutes=1))
    product_id = UUID(product["id"])
    cached = await cache.find_all([product_id])
    async with catalog.resources.database.read(Scope.PUBLIC) as session:
        read = await products_by_id(session, [product_id])
    assert cached.products == {}
    # when the title changes in between
    await done(catalog, "updateProduct", seller, productId=product["id"], title="New")
    await cache.put(read.values(), cached.moment)
    # then nobody reads the old one
    assert (await catalog.data(BY_ID, {"id": product["id"]}))["product"]["title"] == "New"


async def test_a_draft_never_comes_into_the_cache(catalog: SubgraphUnderTest) -> None:
    # given a draft that its seller has read
    seller = await approved_seller(catalog)
    product = await draft(catalog, seller)
    shown = await catalog.data(BY_ID, {"id": product["id"]}, actor=seller)
    assert shown["product"]["status"] == "DRAFT"
    # when a visitor asks for it
    assert await catalog.data(BY_ID, {"id": product["id"]}) == {"product": None}
    # then Redis has nothing of it
    assert await catalog.resources.redis.exists(f"product:{product['id']}") == 0


async def test_a_cached_value_of_another_shape_is_read_from_the_table(catalog: SubgraphUnderTest) -> None:
    seller = await approved_seller(catalog)
    product = await publish(catalog, seller)
    for value in (b"not json", orjson.dumps({"id": product["id"]}), orjson.dumps([])):
        await catalog.resources.redis.set(f"product:{product['id']}", value)
        shown = await catalog.data(BY_ID, {"id": product["id"]})
        assert shown["product"]["title"] == "Desk lamp"


async def test_a_full_product_survives_the_cache_unchanged(catalog: SubgraphUnderTest) -> None:
    # given a product with everything
    seller, category = await approved_seller(catalog), await a_category(catalog, "Lamps")
    product = await publish(
        catalog,
        seller,
        categoryId=category,
        attributes=[{"name": "watts", "type": "NUMBER", "value": "7.5"}],
        media=[{"url": "https://example.com/a.png", "alt": "A lamp"}],
    )
    query = """query($id: ID!) { product(id: $id) {
      id title description status listed rejectionReason createdAt publishedAt category { id } seller { id }
      attributes { name type value } media { url alt } priceRange { min { amount currency } max { amount currency } }
    } }"""
    # when it is read from the table and then from Redis
    from_table = await catalog.data(query, {"id": product["id"]})
    catalog.reset_statements()
    from_redis = await catalog.data(query, {"id": product["id"]})
    # then both are the same
    assert from_redis == from_table
    assert from_table["product"]["attributes"] == [{"name": "watts", "type": "NUMBER", "value": "7.5"}]
    assert [s for s in catalog.statements if "FROM product" in s] == []

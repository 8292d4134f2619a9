"""What catalog learns from others: each event twice, in every order, and from two workers at once."""

from __future__ import annotations

import asyncio
from itertools import permutations

import pytest

from shared.ids import new_id
from shared.testing.subgraph import SubgraphUnderTest
from tests.integration.catalog.shop import (
    MODERATOR,
    approve,
    approved_seller,
    change_stock,
    done,
    draft,
    listed_titles,
    mutate,
    publish,
    rate,
    reinstate,
    suspend,
)

ENTITY = "... on Product { id listed title }"


async def test_a_suspended_sellers_products_leave_the_lists_and_come_back(catalog: SubgraphUnderTest) -> None:
    # given a product in the window, read once so that it is cached
    seller = await approved_seller(catalog)
    product = await publish(catalog, seller, title="Floor lamp")
    reference = {"__typename": "Product", "id": product["id"]}
    query = """query($id: ID!, $s: [_Any!]!) {
      product(id: $id) { id }
      _entities(representations: $s) { ... on Seller { products { totalCount edges { node { id } } } } }
    }"""
    variables = {"id": product["id"], "s": [{"__typename": "Seller", "id": str(seller.seller_id)}]}
    shown = await catalog.data(query, variables)
    assert shown == {
        "product": {"id": product["id"]},
        "_entities": [{"products": {"totalCount": 1, "edges": [{"node": {"id": product["id"]}}]}}],
    }
    # when its seller is suspended
    await suspend(catalog, seller.seller_id)
    # then nobody finds it, but what points at it still reads it
    assert await catalog.data(query, variables) == {
        "product": None,
        "_entities": [{"products": {"totalCount": 0, "edges": []}}],
    }
    assert await listed_titles(catalog, {"sellerId": str(seller.seller_id)}) == []
    assert await catalog.entities(ENTITY, reference) == [{"id": product["id"], "listed": False, "title": "Floor lamp"}]
    # and once it is reinstated all is as before
    await reinstate(catalog, seller.seller_id)
    assert await catalog.data(query, variables) == shown


@pytest.mark.parametrize("order", list(permutations(("approved", "suspended", "reinstated"))))
async def test_the_newest_word_about_a_seller_counts_in_any_order(
    catalog: SubgraphUnderTest, order: tuple[str, ...]
) -> None:
    seller_id = new_id()
    tell = {"approved": approve, "suspended": suspend, "reinstated": reinstate}
    for what in (*order, *order):
        await tell[what](catalog, seller_id)
    rows = await catalog.rows("SELECT active, version FROM seller_fact WHERE seller_id = :s", s=seller_id)
    assert rows == [{"active": True, "version": 4}]


async def test_a_suspension_that_comes_before_the_approval_it_ends_stays(catalog: SubgraphUnderTest) -> None:
    seller_id = new_id()
    await suspend(catalog, seller_id, version=3)
    await approve(catalog, seller_id, version=2)
    rows = await catalog.rows("SELECT active, version FROM seller_fact WHERE seller_id = :s", s=seller_id)
    assert rows == [{"active": False, "version": 3}]


async def test_a_product_is_in_stock_while_any_variant_is(catalog: SubgraphUnderTest) -> None:
    # given a product with two variants and no stock
    seller = await approved_seller(catalog)
    variants = [{"sku": f"{new_id()}", "title": "V", "price": 100} for _ in range(2)]
    product = await publish(catalog, seller, variants=variants)
    mine = {"sellerId": str(seller.seller_id), "inStock": True}
    seen = []
    # when stock comes and goes, an old figure arrives late, and a figure comes twice
    for variant, available, version in ((0, 5, 1), (1, 3, 2), (0, 0, 2), (0, 9, 1), (1, 0, 3), (1, 0, 3), (1, 7, 2)):
        await change_stock(catalog, product, available, version=version, variant=variant)
        seen.append(len(await listed_titles(catalog, mine)))
    # then the list follows the newest figures
    assert seen == [1, 1, 1, 1, 0, 0, 0]


async def test_stock_of_two_variants_told_by_two_workers_at_once_agrees(catalog: SubgraphUnderTest) -> None:
    # given products with two variants, the first in stock
    seller = await approved_seller(catalog)
    for _ in range(10):
        variants = [{"sku": f"{new_id()}", "title": "V", "price": 100} for _ in range(2)]
        product = await publish(catalog, seller, variants=variants)
        await change_stock(catalog, product, 5, version=1, variant=0)
        # when the first goes out of stock as the second comes into it
        await asyncio.gather(
            change_stock(catalog, product, 0, version=2, variant=0),
            change_stock(catalog, product, 5, version=1, variant=1),
        )
        # then the product is in stock
        rows = await catalog.rows("SELECT in_stock FROM product WHERE id = :p", p=product["id"])
        assert rows == [{"in_stock": True}]


async def test_a_suspension_that_meets_a_publication_leaves_nothing_listed(catalog: SubgraphUnderTest) -> None:
    for _ in range(10):
        # given a submitted product
        seller = await approved_seller(catalog)
        product = await draft(catalog, seller)
        await done(catalog, "submitProduct", seller, productId=product["id"])
        # when it is published and its seller suspended at once
        published, _ = await asyncio.gather(
            mutate(catalog, "publishProduct", MODERATOR, productId=product["id"]), suspend(catalog, seller.seller_id)
        )
        # then it was published before or refused after, and is not found
        assert [error["code"] for error in published["userErrors"]] in ([], ["SELLER_NOT_ACTIVE"])
        assert await listed_titles(catalog, {"sellerId": str(seller.seller_id)}) == []


async def test_a_rating_is_the_newest_one_in_hundredths(catalog: SubgraphUnderTest) -> None:
    # given a published product
    seller = await approved_seller(catalog)
    product = await publish(catalog, seller)
    # when three ratings arrive out of order, one of them twice
    await rate(catalog, product["id"], count=2, total=9, version=2)
    await rate(catalog, product["id"], count=3, total=13, version=3)
    await rate(catalog, product["id"], count=1, total=4, version=1)
    await rate(catalog, product["id"], count=3, total=13, version=3)
    # then the last one stands, and the filter uses it
    rows = await catalog.rows("SELECT rating FROM product WHERE id = :p", p=product["id"])
    assert rows == [{"rating": 433}]
    mine = {"sellerId": str(seller.seller_id)}
    assert await listed_titles(catalog, mine | {"minRating": 4.33}) == ["Desk lamp"]
    assert await listed_titles(catalog, mine | {"minRating": 4.34}) == []


async def test_facts_about_what_catalog_does_not_know_are_kept_and_harm_nobody(catalog: SubgraphUnderTest) -> None:
    product_id = str(new_id())
    await change_stock(catalog, {"id": product_id, "variants": [{"id": str(new_id())}]}, 3)
    await rate(catalog, product_id, count=1, total=5, version=1)
    rows = await catalog.rows(
        "SELECT available, sum FROM stock_fact s JOIN rating_fact r USING (product_id) WHERE product_id = :p",
        p=product_id,
    )
    assert rows == [{"available": 3, "sum": 5}]

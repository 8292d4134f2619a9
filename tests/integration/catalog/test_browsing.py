"""What buyers see: lists, filters, pages, searches with facets, the tree, and what they must not see."""

from __future__ import annotations

from typing import Any

import pytest

from shared.auth.actor import Actor
from shared.ids import new_id
from shared.testing.subgraph import SubgraphUnderTest
from tests.integration.catalog.shop import (
    BUYER,
    MODERATOR,
    a_category,
    approved_seller,
    change_stock,
    done,
    draft,
    listed_titles,
    mutate,
    publish,
    rate,
)

SEARCH = """query($query: String!, $filter: ProductFilter, $first: Int, $after: String) {
  search(query: $query, filter: $filter, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor } edges { node { title } }
    facets {
      inStock outOfStock categories { count category { name } } prices { count min { amount currency } max { amount } }
    }
  }
}"""


def priced(price: int) -> list[dict[str, Any]]:
    return [{"sku": f"{new_id()}", "title": "Standard", "price": price}]


async def found_titles(catalog: SubgraphUnderTest, query: str, filter: dict[str, Any] | None = None) -> list[str]:
    answer = await catalog.data(SEARCH, {"query": query, "filter": filter})
    return [edge["node"]["title"] for edge in answer["search"]["edges"]]


async def test_filters_and_orders_select_just_the_right_products(catalog: SubgraphUnderTest) -> None:
    # given a seller with three listed products in two levels of a tree, and a draft
    seller = await approved_seller(catalog)
    lamps = await a_category(catalog, "Lamps")
    desk = await a_category(catalog, "Desk", parentId=lamps)
    cheap = await publish(catalog, seller, title="Cheap", categoryId=desk, variants=priced(1000))
    await publish(catalog, seller, title="Middle", categoryId=lamps, variants=priced(2000) + priced(5000))
    dear = await publish(catalog, seller, title="Dear", variants=priced(9000), currency="USD")
    await draft(catalog, seller, title="Draft", categoryId=desk)
    await change_stock(catalog, cheap, 4)
    await rate(catalog, dear["id"], count=1, total=5, version=1)
    mine = {"sellerId": str(seller.seller_id)}

    async def titles(sort: str = "NEWEST", **conditions: Any) -> list[str]:
        return await listed_titles(catalog, mine | conditions, sort=sort)

    # then each condition and order gives its exact list
    assert await titles() == ["Dear", "Middle", "Cheap"]
    assert await titles("PRICE_ASC") == ["Cheap", "Middle", "Dear"]
    assert await titles("PRICE_DESC") == ["Dear", "Middle", "Cheap"]
    assert await titles("TITLE") == ["Cheap", "Dear", "Middle"]
    assert (await titles("RATING"))[0] == "Dear"
    assert await titles(categoryId=lamps) == ["Middle", "Cheap"]
    assert await titles(categoryId=desk) == ["Cheap"]
    assert await titles(priceMin=4000) == ["Dear", "Middle"]
    assert await titles(priceMax=2000) == ["Middle", "Cheap"]
    assert await titles(priceMin=3000, priceMax=4000) == ["Middle"]
    assert await titles(currency="USD") == ["Dear"]
    assert await titles(inStock=True) == ["Cheap"]
    assert await titles(inStock=False) == ["Dear", "Middle"]
    assert await titles(minRating=4.5) == ["Dear"]


@pytest.mark.parametrize("sort", ["NEWEST", "PRICE_ASC", "PRICE_DESC", "TITLE", "RATING"])
async def test_pages_of_any_order_hold_each_product_once_forwards_and_backwards(
    catalog: SubgraphUnderTest, sort: str
) -> None:
    # given seven products of which many share a price and a title
    seller = await approved_seller(catalog)
    for at in range(7):
        await publish(catalog, seller, title=f"T{at % 2}", variants=priced(100 * (1 + at % 3)))
    query = """query($f: ProductFilter, $s: ProductSort!, $first: Int, $after: String, $last: Int, $before: String) {
      products(filter: $f, sort: $s, first: $first, after: $after, last: $last, before: $before) {
        totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { node { id } }
      }
    }"""
    mine = {"sellerId": str(seller.seller_id)}
    whole = await catalog.data(query, {"f": mine, "s": sort, "first": 100})
    ids = [edge["node"]["id"] for edge in whole["products"]["edges"]]
    assert (len(set(ids)), whole["products"]["totalCount"]) == (7, 7)

    async def walk(size: str, cursor: str, more: str, end: str) -> list[list[str]]:
        pages: list[list[str]] = []
        at: dict[str, Any] = {}
        while True:
            page = (await catalog.data(query, {"f": mine, "s": sort, size: 3} | at))["products"]
            pages.append([edge["node"]["id"] for edge in page["edges"]])
            if not page["pageInfo"][more]:
                return pages
            at = {cursor: page["pageInfo"][end]}

    # when they are read three at a time from either end
    forwards = await walk("first", "after", "hasNextPage", "endCursor")
    backwards = await walk("last", "before", "hasPreviousPage", "startCursor")
    # then the pages are the whole list
    assert forwards == [ids[:3], ids[3:6], ids[6:]]
    assert backwards == [ids[4:], ids[1:4], ids[:1]]


async def test_a_search_finds_words_stems_accents_attributes_and_forgives_a_slip(catalog: SubgraphUnderTest) -> None:
    # given products of one seller
    seller = await approved_seller(catalog)
    mine = {"sellerId": str(seller.seller_id)}
    await publish(catalog, seller, title="Wireless headphones", description="Quiet and light.")
    await publish(catalog, seller, title="Café table", attributes=[{"name": "wood", "value": "walnut"}])
    await draft(catalog, seller, title="Secret headphones")
    # then they are found by what a person types
    assert await found_titles(catalog, "headphone", mine) == ["Wireless headphones"]
    assert await found_titles(catalog, "hedphones", mine) == ["Wireless headphones"]
    assert await found_titles(catalog, "headphnes wireless", mine) == ["Wireless headphones"]
    assert await found_titles(catalog, "QUIET", mine) == ["Wireless headphones"]
    assert await found_titles(catalog, "cafe", mine) == ["Café table"]
    assert await found_titles(catalog, "walnut", mine) == ["Café table"]
    assert await found_titles(catalog, "trombone", mine) == []
    assert await found_titles(catalog, "headphones -wireless", mine) == ["Wireless headphones"]


async def test_a_title_that_has_the_word_comes_before_a_text_that_mentions_it(catalog: SubgraphUnderTest) -> None:
    seller = await approved_seller(catalog)
    await publish(catalog, seller, title="Sturdy case", description="Fits any ukulele.")
    await publish(catalog, seller, title="Ukulele", description="Four strings.")
    await publish(catalog, seller, title="Ukelele strings", description="Nylon.")
    assert await found_titles(catalog, "ukulele") == ["Ukulele", "Ukelele strings", "Sturdy case"]


async def test_a_search_pages_by_relevance_and_counts_over_all_hits(catalog: SubgraphUnderTest) -> None:
    # given five hits in two categories and two currencies
    seller = await approved_seller(catalog)
    first, second = await a_category(catalog, "Winds"), await a_category(catalog, "Strings")
    products = [
        await publish(catalog, seller, title="Zither", categoryId=first, variants=priced(500)),
        await publish(catalog, seller, title="Zither stand", categoryId=first, variants=priced(1000)),
        await publish(catalog, seller, title="Zither bag", categoryId=second, variants=priced(1200)),
        await publish(catalog, seller, title="Old zither", variants=priced(999_999)),
        await publish(catalog, seller, title="Zither book", categoryId=first, variants=priced(700), currency="USD"),
    ]
    await change_stock(catalog, products[0], 1)
    # when they are read two at a time
    after, titles = None, []
    for _ in range(3):
        page = (await catalog.data(SEARCH, {"query": "zither", "first": 2, "after": after}))["search"]
        titles += [edge["node"]["title"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
    # then each comes once, the exact title first, and the counts are of all of them on every page
    assert titles[0] == "Zither"
    assert sorted(titles) == ["Old zither", "Zither", "Zither bag", "Zither book", "Zither stand"]
    assert page["pageInfo"]["hasNextPage"] is False
    assert page["totalCount"] == 5
    assert page["facets"] == {
        "inStock": 1,
        "outOfStock": 4,
        "categories": [
            {"count": 3, "category": {"name": "Winds"}},
            {"count": 1, "category": {"name": "Strings"}},
        ],
        "prices": [
            {"count": 1, "min": {"amount": 0, "currency": "EUR"}, "max": {"amount": 1000}},
            {"count": 2, "min": {"amount": 1000, "currency": "EUR"}, "max": {"amount": 2500}},
            {"count": 1, "min": {"amount": 100_000, "currency": "EUR"}, "max": None},
            {"count": 1, "min": {"amount": 0, "currency": "USD"}, "max": {"amount": 1000}},
        ],
    }
    # and the filter narrows hits and counts alike
    narrowed = (await catalog.data(SEARCH, {"query": "zither", "filter": {"categoryId": second}}))["search"]
    assert (narrowed["totalCount"], narrowed["facets"]["outOfStock"]) == (1, 1)


async def test_a_search_forgets_an_archived_product_and_follows_a_new_title(catalog: SubgraphUnderTest) -> None:
    seller = await approved_seller(catalog)
    product = await publish(catalog, seller, title="Harmonium")
    await done(catalog, "updateProduct", seller, productId=product["id"], title="Bassoon")
    assert (await found_titles(catalog, "harmonium"), await found_titles(catalog, "bassoon")) == ([], ["Bassoon"])
    await done(catalog, "archiveProduct", seller, productId=product["id"])
    assert await found_titles(catalog, "bassoon") == []


async def test_a_draft_is_seen_by_its_seller_and_staff_only(catalog: SubgraphUnderTest) -> None:
    # given a draft
    seller, other = await approved_seller(catalog), await approved_seller(catalog)
    product = await draft(catalog, seller)
    variant = product["variants"][0]
    # when each kind of actor asks for it, by every way
    query = """query($id: ID!, $r: [_Any!]!) {
      product(id: $id) { id } _entities(representations: $r) { ... on Product { id } ... on Variant { id } }
    }"""
    references = [{"__typename": "Product", "id": product["id"]}, {"__typename": "Variant", "id": variant["id"]}]
    seen = [
        await catalog.data(query, {"id": product["id"], "r": references}, actor=actor)
        for actor in (seller, MODERATOR, other, BUYER, Actor())
    ]
    # then row-level security hides it from the others
    shown = {"product": {"id": product["id"]}, "_entities": [{"id": product["id"]}, {"id": variant["id"]}]}
    hidden = {"product": None, "_entities": [None, None]}
    assert seen == [shown, shown, hidden, hidden, hidden]


async def test_an_archived_product_is_off_the_market_but_orders_still_read_it(catalog: SubgraphUnderTest) -> None:
    # given a product that was published and one that never was, both archived
    seller = await approved_seller(catalog)
    sold, never = await publish(catalog, seller), await draft(catalog, seller)
    for product in (sold, never):
        await done(catalog, "archiveProduct", seller, productId=product["id"])
    # when a buyer follows an order's reference to each
    variants = [{"__typename": "Variant", "id": product["variants"][0]["id"]} for product in (sold, never)]
    found = await catalog.entities("... on Variant { sku product { status listed } }", *variants, actor=BUYER)
    # then only what was public is read, and neither is for sale
    sku = sold["variants"][0]["sku"]
    assert found == [{"sku": sku, "product": {"status": "ARCHIVED", "listed": False}}, None]
    assert (await catalog.data("query($id: ID!) { product(id: $id) { id } }", {"id": sold["id"]}))["product"] is None


async def test_a_seller_lists_its_own_products_by_state_and_nobody_elses(catalog: SubgraphUnderTest) -> None:
    # given two sellers with a draft each
    seller, other = await approved_seller(catalog), await approved_seller(catalog)
    await draft(catalog, seller, title="Mine")
    await draft(catalog, other, title="Theirs")
    # when they list drafts
    assert await listed_titles(catalog, {"status": "DRAFT"}, actor=seller) == ["Mine"]
    assert await listed_titles(catalog, {"status": ["DRAFT", "PUBLISHED"]}, actor=other) == ["Theirs"]
    everybodys = await listed_titles(catalog, {"status": "DRAFT"}, actor=MODERATOR)
    assert {"Mine", "Theirs"} <= set(everybodys)
    # then the other's, and those of anybody for a buyer, are refused
    query = "query($f: ProductFilter) { products(filter: $f) { edges { node { id } } } }"
    answers = [
        await catalog.execute(query, {"f": {"status": "DRAFT", "sellerId": str(other.seller_id)}}, actor=seller),
        await catalog.execute(query, {"f": {"status": "DRAFT"}}, actor=BUYER),
        await catalog.execute(query, {"f": {"status": "DRAFT"}}),
    ]
    codes = [answer["errors"][0]["extensions"]["code"] for answer in answers]
    assert codes == ["FORBIDDEN", "FORBIDDEN", "UNAUTHENTICATED"]


async def test_bad_arguments_are_named(catalog: SubgraphUnderTest) -> None:
    async def code(query: str) -> str:
        answer = await catalog.execute(query)
        return str(answer["errors"][0]["extensions"]["code"])

    assert await code("{ products(filter: {priceMin: 5, priceMax: 4}) { totalCount } }") == "INVALID_INPUT"
    assert await code('{ products(filter: {categoryId: "x"}) { totalCount } }') == "INVALID_INPUT"
    assert await code("{ products(first: 101) { totalCount } }") == "INVALID_PAGE"
    assert await code('{ products(after: "x") { totalCount } }') == "INVALID_CURSOR"
    assert await code('{ search(query: " ") { totalCount } }') == "INVALID_INPUT"
    assert await code('{ product(id: "x") { id } }') == "INVALID_ID"
    assert await code("{ category { id } }") == "INVALID_INPUT"


async def test_the_tree_is_walked_up_and_down(catalog: SubgraphUnderTest) -> None:
    # given a root with two children, and a product in one of them
    root = await a_category(catalog, "Instruments")
    drums, brass = await a_category(catalog, "Drums", parentId=root), await a_category(catalog, "Brass", parentId=root)
    seller = await approved_seller(catalog)
    product = await publish(catalog, seller, categoryId=brass)
    # when the tree is read from the root and the product's category from below
    answer = await catalog.data(
        """query($root: ID!, $product: ID!) {
          category(id: $root) {
            parent { id } children { totalCount edges { node { name products { totalCount edges { node { id } } } } } }
          }
          categories(parentId: $root, first: 1) { totalCount edges { node { id } } pageInfo { hasNextPage } }
          product(id: $product) { category { name parent { name } } }
        }""",
        {"root": root, "product": product["id"]},
    )
    # then both agree
    assert answer == {
        "category": {
            "parent": None,
            "children": {
                "totalCount": 2,
                "edges": [
                    {
                        "node": {
                            "name": "Brass",
                            "products": {"totalCount": 1, "edges": [{"node": {"id": product["id"]}}]},
                        }
                    },
                    {"node": {"name": "Drums", "products": {"totalCount": 0, "edges": []}}},
                ],
            },
        },
        "categories": {"totalCount": 2, "edges": [{"node": {"id": brass}}], "pageInfo": {"hasNextPage": True}},
        "product": {"category": {"name": "Brass", "parent": {"name": "Instruments"}}},
    }
    # and a slug names the same category
    made = await mutate(
        catalog, "updateProduct", seller, answer="product { category { slug } }", productId=product["id"]
    )
    by_slug = "query($slug: String!) { category(slug: $slug) { id } }"
    slug = made["product"]["category"]["slug"]
    assert (await catalog.data(by_slug, {"slug": slug}))["category"] == {"id": brass}
    assert (await catalog.data(by_slug, {"slug": "nowhere"}))["category"] is None
    assert drums != brass

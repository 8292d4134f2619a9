"""A seller's day: drafts, variants, prices, publication, archive; and all that is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from shared.auth.actor import Actor
from shared.ids import new_id
from shared.testing.servers import DomainDatabase
from shared.testing.subgraph import SubgraphUnderTest, subgraph_under_test
from tests.integration.catalog.shop import (
    ADMIN,
    BUYER,
    MODERATOR,
    PRODUCT,
    a_category,
    a_product,
    a_seller,
    approve,
    approved_seller,
    done,
    draft,
    keyed,
    listed_titles,
    mutate,
    publish,
    suspend,
)

CREATE = "mutation($input: CreateProductInput!) { createProduct(input: $input) { product { id } userErrors { code } } }"


async def events_of(catalog: SubgraphUnderTest, seller: Actor) -> list[tuple[str, int]]:
    told = await catalog.events()
    mine = [event for event in told if event["payload"]["seller_id"] == str(seller.seller_id)]
    return [(event["event_name"], event["aggregate_version"]) for event in mine]


async def refusals(
    catalog: SubgraphUnderTest, name: str, actor: Actor, /, **values: Any
) -> list[tuple[str, list[str] | None]]:
    payload = await mutate(catalog, name, actor, answer="__typename", **values)
    return [(error["code"], error["field"]) for error in payload["userErrors"]]


async def test_a_product_goes_from_draft_to_the_window_and_each_step_is_told(catalog: SubgraphUnderTest) -> None:
    # given an approved seller's draft with two variants
    seller = await approved_seller(catalog)
    variants = [{"sku": "LAMP-S", "title": "Small", "price": 1500}, {"sku": "LAMP-L", "title": "Large", "price": 2500}]
    product = await draft(catalog, seller, variants=variants)
    assert product["status"] == "DRAFT"
    assert product["priceRange"] == {"min": {"amount": 1500, "currency": "EUR"}, "max": {"amount": 2500}}
    assert [variant["sku"] for variant in product["variants"]] == ["LAMP-S", "LAMP-L"]
    # when it is submitted, published, renamed and archived
    submitted = await done(catalog, "submitProduct", seller, productId=product["id"])
    published = await done(catalog, "publishProduct", seller, productId=product["id"])
    renamed = await done(catalog, "updateProduct", seller, productId=product["id"], title="Reading lamp")
    archived = await done(catalog, "archiveProduct", seller, productId=product["id"])
    # then it takes each state, and the others hear what concerns them
    assert [step["status"] for step in (submitted, published, renamed, archived)] == [
        "SUBMITTED",
        "PUBLISHED",
        "PUBLISHED",
        "ARCHIVED",
    ]
    assert renamed["title"] == "Reading lamp"
    assert await events_of(catalog, seller) == [
        ("variant.created", 1),
        ("variant.created", 1),
        ("product.published", 3),
        ("product.updated", 4),
        ("product.archived", 5),
    ]


async def test_a_seller_that_is_not_approved_or_is_suspended_may_not_sell(catalog: SubgraphUnderTest) -> None:
    # given an unknown seller, and one that is suspended with a submitted draft
    unknown, suspended = a_seller(), await approved_seller(catalog)
    product = await draft(catalog, suspended)
    await done(catalog, "submitProduct", suspended, productId=product["id"])
    await suspend(catalog, suspended.seller_id)
    before = await catalog.events()
    # when they write, and when staff would publish for the suspended one
    refused = [
        await refusals(catalog, "createProduct", unknown, **a_product()),
        await refusals(catalog, "createProduct", suspended, **a_product()),
        await refusals(catalog, "updateProduct", suspended, productId=product["id"], title="New"),
        await refusals(catalog, "changePrice", suspended, variantId=product["variants"][0]["id"], price=5),
        await refusals(catalog, "publishProduct", suspended, productId=product["id"]),
        await refusals(catalog, "publishProduct", MODERATOR, productId=product["id"]),
    ]
    # then nothing changes
    assert refused == [[("SELLER_NOT_ACTIVE", None)]] * 6
    assert await catalog.rows("SELECT 1 FROM product WHERE seller_id = :s", s=unknown.seller_id) == []
    assert await catalog.rows("SELECT title, status, price_min FROM product WHERE id = :p", p=product["id"]) == [
        {"title": "Desk lamp", "status": "SUBMITTED", "price_min": 1999}
    ]
    assert await catalog.events() == before


async def test_another_sellers_product_does_not_exist_for_a_seller(catalog: SubgraphUnderTest) -> None:
    # given a product in the window, which everybody may read, and another seller
    owner, other = await approved_seller(catalog), await approved_seller(catalog)
    product = await publish(catalog, owner)
    # when the other one tries each write
    variant_id, product_id = product["variants"][0]["id"], product["id"]
    refused = [
        await refusals(catalog, "updateProduct", other, productId=product_id, title="Mine"),
        await refusals(catalog, "addVariant", other, productId=product_id, sku="X", title="X", price=1),
        await refusals(catalog, "submitProduct", other, productId=product_id),
        await refusals(catalog, "publishProduct", other, productId=product_id),
        await refusals(catalog, "archiveProduct", other, productId=product_id),
    ]
    repriced = await refusals(catalog, "changePrice", other, variantId=variant_id, price=1)
    # then it is told that there is no such thing, and nothing changes
    assert refused == [[("PRODUCT_NOT_FOUND", ["productId"])]] * 5
    assert repriced == [("VARIANT_NOT_FOUND", ["variantId"])]
    assert await catalog.rows(
        "SELECT p.title, p.status, p.version, v.price FROM product p JOIN variant v ON v.product_id = p.id WHERE p.id = :p",
        p=product_id,
    ) == [{"title": "Desk lamp", "status": "PUBLISHED", "version": 3, "price": 1999}]


async def test_who_is_no_seller_and_who_is_no_admin_is_turned_away(catalog: SubgraphUnderTest) -> None:
    created = await catalog.execute(CREATE, keyed(**a_product()), actor=BUYER)
    anonymous = await catalog.execute(CREATE, keyed(**a_product()))
    category = "mutation($input: CreateCategoryInput!) { createCategory(input: $input) { category { id } } }"
    categorised = await catalog.execute(category, keyed(name="Lamps"), actor=MODERATOR)
    rejecting = "mutation($input: RejectProductInput!) { rejectProduct(input: $input) { product { id } } }"
    rejected = await catalog.execute(rejecting, keyed(productId=str(new_id()), reason="no"), actor=a_seller())
    codes = [answer["errors"][0]["extensions"]["code"] for answer in (created, anonymous, categorised, rejected)]
    assert codes == ["FORBIDDEN", "UNAUTHENTICATED", "FORBIDDEN", "FORBIDDEN"]


async def test_a_rejected_product_may_be_submitted_again(catalog: SubgraphUnderTest) -> None:
    # given a submitted product that a moderator rejects
    seller = await approved_seller(catalog)
    product = await draft(catalog, seller)
    await done(catalog, "submitProduct", seller, productId=product["id"])
    answer = f"{PRODUCT} r: product {{ rejectionReason }}"
    rejected = await mutate(
        catalog, "rejectProduct", MODERATOR, answer=answer, productId=product["id"], reason="No picture"
    )
    assert (rejected["product"]["status"], rejected["r"]["rejectionReason"]) == ("REJECTED", "No picture")
    # when it is submitted again and published by the moderator
    again = await done(catalog, "submitProduct", seller, productId=product["id"])
    published = await done(catalog, "publishProduct", MODERATOR, productId=product["id"])
    # then it is in the window
    assert (again["status"], published["status"]) == ("SUBMITTED", "PUBLISHED")


async def test_a_step_that_is_not_next_is_refused(catalog: SubgraphUnderTest) -> None:
    # given a draft and an archived product
    seller = await approved_seller(catalog)
    drafted, archived = await draft(catalog, seller), await publish(catalog, seller)
    await done(catalog, "archiveProduct", seller, productId=archived["id"])
    # when steps are skipped or come too late
    variant_id = archived["variants"][0]["id"]
    refused = [
        await refusals(catalog, "publishProduct", seller, productId=drafted["id"]),
        await refusals(catalog, "submitProduct", seller, productId=archived["id"]),
        await refusals(catalog, "updateProduct", seller, productId=archived["id"], title="New"),
        await refusals(catalog, "changePrice", seller, variantId=variant_id, price=1),
        await refusals(catalog, "archiveProduct", seller, productId=archived["id"]),
    ]
    # then each is refused and the products stay
    assert refused == [[("PRODUCT_STATUS_CONFLICT", ["productId"])]] * 5
    rows = await catalog.rows("SELECT status, title FROM product WHERE seller_id = :s ORDER BY 1", s=seller.seller_id)
    assert rows == [{"status": "ARCHIVED", "title": "Desk lamp"}, {"status": "DRAFT", "title": "Desk lamp"}]


async def test_where_staff_moderates_a_seller_may_not_publish(
    database_for: Callable[[str], DomainDatabase], redis_url: str
) -> None:
    # given a marketplace with moderation and a submitted product
    async with subgraph_under_test("catalog", database_for("catalog"), redis_url, catalog_moderation=True) as moderated:
        seller = await approved_seller(moderated)
        product = await draft(moderated, seller)
        await done(moderated, "submitProduct", seller, productId=product["id"])
        # when the seller publishes it, and then a moderator
        refused = await refusals(moderated, "publishProduct", seller, productId=product["id"])
        published = await done(moderated, "publishProduct", MODERATOR, productId=product["id"])
        # then only the moderator may
        assert refused == [("MODERATION_REQUIRED", ["productId"])]
        assert published["status"] == "PUBLISHED"


async def test_prices_follow_changes_and_each_change_is_told_with_its_version(catalog: SubgraphUnderTest) -> None:
    # given a published product
    seller = await approved_seller(catalog)
    product = await publish(catalog, seller)
    first = product["variants"][0]["id"]
    # when a dearer variant comes, the first becomes cheaper twice, and is set to the same price again
    added = await done(catalog, "addVariant", seller, productId=product["id"], sku="LAMP-XL", title="XL", price=9900)
    await done(catalog, "changePrice", seller, variantId=first, price=1500)
    changed = await done(catalog, "changePrice", seller, variantId=first, price=1400)
    await done(catalog, "changePrice", seller, variantId=first, price=1400)
    # then the range follows and the same price is no event
    assert added["priceRange"] == {"min": {"amount": 1999, "currency": "EUR"}, "max": {"amount": 9900}}
    assert changed["priceRange"] == {"min": {"amount": 1400, "currency": "EUR"}, "max": {"amount": 9900}}
    prices = [
        (event["aggregate_version"], event["payload"]["price"], event["payload"]["version"])
        for event in await catalog.events("variant.price_changed")
        if event["payload"]["variant_id"] == first
    ]
    assert prices == [(2, 1500, 2), (3, 1400, 3)]


async def test_a_sku_is_unique_for_its_seller_also_when_requests_race(catalog: SubgraphUnderTest) -> None:
    # given a seller
    seller, other = await approved_seller(catalog), await approved_seller(catalog)
    for at in range(5):
        variants = [{"sku": f"SAME-{at}", "title": "One", "price": 100}]
        # when ten requests at once use one SKU
        payloads = await asyncio.gather(
            *[
                mutate(catalog, "createProduct", seller, answer="product { id }", **a_product(variants=variants))
                for _ in range(10)
            ]
        )
        # then one wins and the rest are refused by code
        codes = [error["code"] for payload in payloads for error in payload["userErrors"]]
        assert codes == ["SKU_TAKEN"] * 9
    # and another seller may use the SKU
    assert len(await catalog.rows("SELECT 1 FROM variant WHERE seller_id = :s", s=seller.seller_id)) == 5
    assert (await draft(catalog, other, variants=variants))["variants"][0]["sku"] == "SAME-4"


async def test_concurrent_prices_leave_a_range_that_is_true(catalog: SubgraphUnderTest) -> None:
    # given a product with four variants
    seller = await approved_seller(catalog)
    variants = [{"sku": f"V{i}", "title": f"V{i}", "price": 1000} for i in range(4)]
    product = await publish(catalog, seller, variants=variants)
    for base in (2000, 3000, 1100):
        # when all their prices change at once
        await asyncio.gather(
            *[
                done(catalog, "changePrice", seller, variantId=variant["id"], price=base + 100 * at)
                for at, variant in enumerate(product["variants"])
            ]
        )
        # then the product's range is that of its variants
        rows = await catalog.rows("SELECT price_min, price_max, version FROM product WHERE id = :p", p=product["id"])
        assert rows == [{"price_min": base, "price_max": base + 300, "version": 3}]


async def test_a_moderator_and_a_seller_who_decide_at_once_do_not_both_win(catalog: SubgraphUnderTest) -> None:
    seller = await approved_seller(catalog)
    for _ in range(10):
        # given a submitted product
        product = await draft(catalog, seller)
        await done(catalog, "submitProduct", seller, productId=product["id"])
        # when its seller publishes it while a moderator rejects it
        payloads = await asyncio.gather(
            mutate(catalog, "publishProduct", seller, productId=product["id"]),
            mutate(catalog, "rejectProduct", MODERATOR, productId=product["id"], reason="No picture"),
        )
        # then one of them is refused
        codes = [error["code"] for payload in payloads for error in payload["userErrors"]]
        assert codes == ["PRODUCT_STATUS_CONFLICT"]
        rows = await catalog.rows("SELECT version FROM product WHERE id = :p", p=product["id"])
        assert rows == [{"version": 3}]


async def test_the_same_key_creates_one_product(catalog: SubgraphUnderTest) -> None:
    # given one request
    seller, request = await approved_seller(catalog), keyed(**a_product())
    # when it comes ten times at once, then after Redis was emptied, then with another title
    answers = await asyncio.gather(*[catalog.data(CREATE, request, actor=seller) for _ in range(10)])
    await catalog.resources.redis.flushall()
    answers.append(await catalog.data(CREATE, request, actor=seller))
    other = {"input": request["input"] | {"title": "Other"}}
    reused = await catalog.execute(CREATE, other, actor=seller)
    # then there is one product and one answer
    assert answers == [answers[0]] * 11
    assert reused["errors"][0]["extensions"] == {"code": "IDEMPOTENCY_KEY_REUSED"}
    rows = await catalog.rows("SELECT title FROM product WHERE seller_id = :s", s=seller.seller_id)
    assert rows == [{"title": "Desk lamp"}]
    assert await events_of(catalog, seller) == [("variant.created", 1)]


async def test_every_fault_of_an_input_is_named(catalog: SubgraphUnderTest) -> None:
    seller = await approved_seller(catalog)
    twice = [{"sku": "A", "title": "A", "price": 1}, {"sku": "A", "title": "B", "price": 1}]
    assert await refusals(catalog, "createProduct", seller, **a_product(variants=twice)) == [
        ("INVALID_INPUT", ["variants"])
    ]
    wrong = a_product(title=" ", currency="euro", variants=[], media=[{"url": "javascript:alert(1)"}])
    assert await refusals(catalog, "createProduct", seller, **wrong) == [
        ("INVALID_INPUT", ["title"]),
        ("INVALID_INPUT", ["currency"]),
        ("INVALID_INPUT", ["media", "0", "url"]),
        ("INVALID_INPUT", ["variants"]),
    ]
    free = [{"sku": "A", "title": "A", "price": 1}, {"sku": "B", "title": "B", "price": 0}]
    assert await refusals(catalog, "createProduct", seller, **a_product(variants=free)) == [
        ("INVALID_INPUT", ["variants", "1", "price"])
    ]
    assert await catalog.rows("SELECT 1 FROM product WHERE seller_id = :s", s=seller.seller_id) == []


async def test_attributes_must_fit_the_category_and_those_above_it(catalog: SubgraphUnderTest) -> None:
    # given a category that wants a number, below one that wants a text
    lamps = await a_category(catalog, "Lamps", attributes=[{"name": "colour", "type": "TEXT", "required": True}])
    desk = await a_category(
        catalog, "Desk lamps", parentId=lamps, attributes=[{"name": "watts", "type": "NUMBER", "required": True}]
    )
    seller = await approved_seller(catalog)
    colour = {"name": "colour", "value": "red"}
    # when a value is of another type, or a required one is missing at submission
    wrong = await refusals(
        catalog,
        "createProduct",
        seller,
        **a_product(categoryId=desk, attributes=[{"name": "watts", "type": "TEXT", "value": "many"}]),
    )
    product = await draft(catalog, seller, categoryId=desk, attributes=[colour])
    missing = await refusals(catalog, "submitProduct", seller, productId=product["id"])
    # then both are refused, and a complete product passes
    assert (wrong, missing) == ([("INVALID_ATTRIBUTE", ["attributes"])],) * 2
    complete = [colour, {"name": "watts", "type": "NUMBER", "value": "7.5"}]
    await done(catalog, "updateProduct", seller, productId=product["id"], attributes=complete)
    assert (await done(catalog, "submitProduct", seller, productId=product["id"]))["status"] == "SUBMITTED"


async def test_a_refused_update_changes_nothing(catalog: SubgraphUnderTest) -> None:
    # given a published product
    seller = await approved_seller(catalog)
    product = await publish(catalog, seller)
    # when an update names a category that does not exist
    refused = await refusals(
        catalog, "updateProduct", seller, productId=product["id"], title="New", categoryId=str(new_id())
    )
    # then its title and version stay and nobody is told
    assert refused == [("CATEGORY_NOT_FOUND", ["categoryId"])]
    rows = await catalog.rows("SELECT title, version FROM product WHERE id = :p", p=product["id"])
    assert rows == [{"title": "Desk lamp", "version": 3}]
    assert [name for name, _ in await events_of(catalog, seller)] == ["variant.created", "product.published"]


async def test_an_update_leaves_what_it_does_not_name_and_clears_what_it_sets_to_null(
    catalog: SubgraphUnderTest,
) -> None:
    # given a product in a category with a picture
    category = await a_category(catalog, "Lamps")
    seller = await approved_seller(catalog)
    product = await draft(catalog, seller, categoryId=category, media=[{"url": "https://example.com/a.png"}])
    answer = "product { title description category { id } media { url alt } }"
    # when only the description changes, and then the category is taken away
    described = await mutate(
        catalog, "updateProduct", seller, answer=answer, productId=product["id"], description="Bright."
    )
    bare = await mutate(catalog, "updateProduct", seller, answer=answer, productId=product["id"], categoryId=None)
    # then the rest stays
    kept = {
        "title": "Desk lamp",
        "description": "Bright.",
        "media": [{"url": "https://example.com/a.png", "alt": ""}],
    }
    assert described["product"] == kept | {"category": {"id": category}}
    assert bare["product"] == kept | {"category": None}


async def test_a_slug_is_unique_and_the_tree_is_bounded(catalog: SubgraphUnderTest) -> None:
    # given a root whose slug comes from its name, and five levels below it
    made = await mutate(catalog, "createCategory", ADMIN, answer="category { id slug }", name="Böden & Decken")
    parent = made["category"]["id"]
    for depth in range(2, 7):
        parent = await a_category(catalog, f"Level {depth}", parentId=parent)
    # when the slug is taken again, and a seventh level is asked for
    again = await refusals(catalog, "createCategory", ADMIN, name="Boden Decken")
    deep = await refusals(catalog, "createCategory", ADMIN, name="Level 7", parentId=parent)
    lost = await refusals(catalog, "createCategory", ADMIN, name="Lost", parentId=str(new_id()))
    # then each has its code
    assert made["category"]["slug"] == "boden-decken"
    assert (again, deep, lost) == (
        [("SLUG_TAKEN", ["slug"])],
        [("CATEGORY_TOO_DEEP", ["parentId"])],
        [("CATEGORY_NOT_FOUND", ["parentId"])],
    )


async def test_a_suspended_seller_may_still_archive(catalog: SubgraphUnderTest) -> None:
    seller = await approved_seller(catalog)
    product = await publish(catalog, seller)
    await suspend(catalog, seller.seller_id)
    archived = await done(catalog, "archiveProduct", seller, productId=product["id"])
    await approve(catalog, seller.seller_id, version=4)
    assert archived["status"] == "ARCHIVED"
    assert await listed_titles(catalog, {"sellerId": str(seller.seller_id)}) == []

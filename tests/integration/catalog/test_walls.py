"""The second wall between sellers, the tables' own checks, and life without Redis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.db.scope import Scope
from shared.ids import new_id
from shared.testing.servers import DomainDatabase
from shared.testing.subgraph import SubgraphUnderTest, subgraph_under_test
from tests.integration.catalog.shop import approved_seller, change_stock, done, draft, listed_titles, publish

# Production pools by transaction: so does this module, in every run.
pytestmark = pytest.mark.pooled


async def seen(catalog: SubgraphUnderTest, scope: Scope, statement: str, **values: Any) -> int:
    """How many rows the run-time role touches by the statement, on a pooled connection; nothing is kept."""
    async with catalog.resources.database.read(scope) as session:
        found = await session.execute(text(statement), values)
        return len(found.all())


async def test_rows_of_another_seller_are_out_of_reach_even_without_the_services_checks(
    catalog: SubgraphUnderTest,
) -> None:
    # given a draft and a listed product of one seller
    seller, other = await approved_seller(catalog), await approved_seller(catalog)
    hidden, listed = await draft(catalog, seller), await publish(catalog, seller)
    ids = {"ids": [hidden["id"], listed["id"]]}
    read = "SELECT 1 FROM {} WHERE {} = ANY(CAST(:ids AS uuid[]))"
    write = "UPDATE {} SET version = version + 1 WHERE {} = ANY(CAST(:ids AS uuid[])) RETURNING 1"
    tables = (("product", "id"), ("variant", "product_id"))
    # when each scope reads and writes them by bare SQL, one after the other on the same connections
    scopes = {
        "own": Scope.of_seller(seller.seller_id or new_id()),
        "other": Scope.of_seller(other.seller_id or new_id()),
        "public": Scope.PUBLIC,
        "all": Scope.ALL,
    }
    touched = {
        name: [await seen(catalog, scope, verb.format(*table), **ids) for verb in (read, write) for table in tables]
        for name, scope in scopes.items()
    }
    # then the others read only what is public and write nothing
    assert touched == {"own": [2, 2, 2, 2], "other": [1, 1, 0, 0], "public": [1, 1, 0, 0], "all": [2, 2, 2, 2]}


async def test_a_seller_cannot_put_a_row_into_anothers_name(catalog: SubgraphUnderTest) -> None:
    seller, other = await approved_seller(catalog), await approved_seller(catalog)
    product = await draft(catalog, seller)
    steal = "UPDATE product SET seller_id = :other WHERE id = :id RETURNING 1"
    with pytest.raises(DBAPIError, match="row-level security"):
        await seen(
            catalog,
            Scope.of_seller(seller.seller_id or new_id()),
            steal,
            other=other.seller_id,
            id=product["id"],
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE product SET price_min = price_max + 1 WHERE id = :id RETURNING 1",
        "UPDATE product SET status = 'PUBLISHED' WHERE id = :id RETURNING 1",
        "UPDATE product SET version = 0 WHERE id = :id RETURNING 1",
        "UPDATE product SET rating = 501 WHERE id = :id RETURNING 1",
        "UPDATE variant SET price = 0 WHERE product_id = :id RETURNING 1",
        "UPDATE variant SET currency = 'USD' WHERE product_id = :id RETURNING 1",
        "UPDATE variant SET seller_id = gen_random_uuid() WHERE product_id = :id RETURNING 1",
    ],
)
async def test_the_tables_refuse_what_no_rule_would_do(catalog: SubgraphUnderTest, statement: str) -> None:
    product = await draft(catalog, await approved_seller(catalog))
    with pytest.raises(DBAPIError, match="violates"):
        await seen(catalog, Scope.ALL, statement, id=product["id"])


FILL = """
WITH made AS (
    INSERT INTO product (id, seller_id, title, description, status, currency, price_min, price_max, seller_active, version,
                         created_at, published_at)
    SELECT gen_random_uuid(), gen_random_uuid(), md5(n::text), '', 'PUBLISHED', 'EUR', n, n, true, 1, now(), now()
    FROM generate_series(1, 3000) AS n
    RETURNING id, title
)
INSERT INTO product_search SELECT id, title, to_tsvector('english', title) FROM made
"""
PLAN = """
EXPLAIN SELECT p.id FROM product p JOIN product_search s ON s.product_id = p.id
WHERE p.status = 'PUBLISHED' AND p.seller_active AND {}
"""


@pytest.fixture(scope="module")
async def full_window(catalog: SubgraphUnderTest) -> SubgraphUnderTest:
    """Three thousand products, so that a plan is chosen as in earnest."""
    await catalog.rows(FILL)
    await catalog.rows("ANALYZE product, product_search")
    return catalog


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("s.document @@ websearch_to_tsquery('english', fold('lamp'))", "product_search_document"),
        ("fold('desk lamp') <% s.title", "product_search_title"),
        ("(fold('desk lamp') <% s.title OR s.document @@ 'lamp'::tsquery)", "BitmapOr"),
        ("true ORDER BY p.price_min, p.id LIMIT 20", "product_listed_price_min"),
        ("true ORDER BY p.created_at DESC, p.id DESC LIMIT 20", "product_listed_newest"),
        ("p.seller_id = '00000000-0000-4000-8000-000000000000'", "product_seller"),
    ],
)
async def test_row_level_security_does_not_stand_before_the_indexes(
    full_window: SubgraphUnderTest, condition: str, index: str
) -> None:
    # when the run-time role's read is planned, without the scan that a table this small would still tempt to
    async with full_window.resources.database.read(Scope.PUBLIC) as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(await session.scalars(text(PLAN.format(condition))))
    # then it uses the index that was made for it
    assert index in plan, plan


async def test_all_works_while_redis_is_away(database_for: Callable[[str], DomainDatabase]) -> None:
    # given a catalogue whose Redis does not answer
    async with subgraph_under_test("catalog", database_for("catalog"), "redis://127.0.0.1:1") as alone:
        seller = await approved_seller(alone)
        # when a product is published, repriced and brought into stock
        product = await publish(alone, seller)
        await done(alone, "changePrice", seller, variantId=product["variants"][0]["id"], price=5)
        await change_stock(alone, product, 1)
        # then it is read as it is
        query = "query($id: ID!) { product(id: $id) { priceRange { min { amount } } } }"
        shown = await alone.data(query, {"id": product["id"]})
        assert shown == {"product": {"priceRange": {"min": {"amount": 5}}}}
        assert await listed_titles(alone, {"sellerId": str(seller.seller_id), "inStock": True}) == ["Desk lamp"]

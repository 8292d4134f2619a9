"""Foreign facts: every event twice and in every order leads to the same rows."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from shared.ids import new_id
from tests.integration.orders.market import Market, key

PRODUCT = (
    ("product.published", {"title": "Lamp", "category_id": None, "version": 1}),
    ("product.updated", {"title": "Lamp 2", "category_id": None, "version": 2}),
    ("product.archived", {"version": 3}),
    ("product.published", {"title": "Lamp 3", "category_id": None, "version": 4}),
)
VARIANT = (
    ("variant.created", {"sku": "S", "title": "Blue", "price": 100, "currency": "EUR", "version": 1}),
    ("variant.price_changed", {"price": 120, "currency": "EUR", "version": 2}),
    ("variant.price_changed", {"price": 90, "currency": "EUR", "version": 3}),
)
SELLER = (
    ("seller.approved", {"name": "A seller", "commission_bps": 800, "version": 2}),
    ("seller.suspended", {"reason": "late", "version": 3}),
    ("seller.reinstated", {"version": 4}),
)
RULE = (
    ("commission_rule.changed", {"rate_bps": 700, "version": 1}),
    ("commission_rule.changed", {"rate_bps": 650, "version": 2}),
)


async def tell_twice(market: Market, story: tuple[tuple[str, dict[str, Any]], ...], about: dict[str, Any]) -> None:
    for name, facts in story:
        for _ in range(2):
            await market.orders.deliver(name, about | facts, event_id=new_id())


@pytest.mark.parametrize("story", list(permutations(PRODUCT)))
async def test_a_product_ends_as_its_last_version_says(market: Market, story: Any) -> None:
    about = {"product_id": key(), "seller_id": key()}
    await tell_twice(market, story, about)
    rows = await market.orders.rows(
        "SELECT title, status FROM product_fact WHERE product_id = :p", p=about["product_id"]
    )
    assert rows == [{"title": "Lamp 3", "status": "PUBLISHED"}]


async def test_an_update_alone_does_not_publish_a_product(market: Market) -> None:
    about = {"product_id": key(), "seller_id": key()}
    await tell_twice(market, PRODUCT[1:2], about)
    rows = await market.orders.rows(
        "SELECT title, status FROM product_fact WHERE product_id = :p", p=about["product_id"]
    )
    assert rows == [{"title": "Lamp 2", "status": "UNPUBLISHED"}]


@pytest.mark.parametrize("story", list(permutations(VARIANT)))
async def test_a_variant_ends_with_its_name_and_its_last_price(market: Market, story: Any) -> None:
    about = {"variant_id": key(), "product_id": key(), "seller_id": key()}
    await tell_twice(market, story, about)
    rows = await market.orders.rows(
        "SELECT sku, title, price FROM variant_fact WHERE variant_id = :v", v=about["variant_id"]
    )
    assert rows == [{"sku": "S", "title": "Blue", "price": 90}]


@pytest.mark.parametrize("story", list(permutations(SELLER)))
async def test_a_seller_ends_as_its_last_version_says(market: Market, story: Any) -> None:
    about = {"seller_id": key(), "owner_id": key(), "actor_id": key()}
    await tell_twice(market, story, about)
    rows = await market.orders.rows(
        "SELECT status, commission_bps FROM seller_fact WHERE seller_id = :s", s=about["seller_id"]
    )
    assert rows == [{"status": "ACTIVE", "commission_bps": 800}]


@pytest.mark.parametrize("story", list(permutations(RULE)))
async def test_a_commission_rule_ends_as_its_last_version_says(market: Market, story: Any) -> None:
    about = {"rule_id": key(), "seller_id": key(), "actor_id": None}
    await tell_twice(market, story, about)
    rows = await market.orders.rows(
        "SELECT rate_bps FROM commission_rule_fact WHERE applies_to = :s", s=about["seller_id"]
    )
    assert rows == [{"rate_bps": 650}]

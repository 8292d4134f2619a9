"""How a product may change, exhaustively, and what its prices say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import product as pairs
from uuid import UUID

import pytest

from shared.ids import new_id
from subgraphs.catalog.domain.product import LEGAL, MAX_VARIANTS, Product, ProductStatus, Variant, next_position
from subgraphs.catalog.errors import ProductStatusConflict, TooManyVariants

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
S = ProductStatus
STEPS: dict[str, tuple[Callable[[Product], None], ProductStatus]] = {
    "submit": (lambda product: product.submit(), S.SUBMITTED),
    "publish": (lambda product: product.publish(NOW), S.PUBLISHED),
    "reject": (lambda product: product.reject("blurred"), S.REJECTED),
    "archive": (lambda product: product.archive(), S.ARCHIVED),
}
ALLOWED = {
    (S.DRAFT, "submit"),
    (S.DRAFT, "archive"),
    (S.SUBMITTED, "publish"),
    (S.SUBMITTED, "reject"),
    (S.SUBMITTED, "archive"),
    (S.REJECTED, "submit"),
    (S.REJECTED, "archive"),
    (S.PUBLISHED, "archive"),
}


def a_product(status: ProductStatus = S.DRAFT, *, seller_active: bool = True) -> Product:
    return Product(
        id=new_id(),
        seller_id=new_id(),
        category_id=None,
        title="Lamp",
        description="",
        status=status,
        rejection_reason=None,
        attributes=(),
        media=(),
        currency="EUR",
        price_min=100,
        price_max=100,
        in_stock=False,
        rating=0,
        seller_active=seller_active,
        version=1,
        created_at=NOW,
        published_at=NOW if status is S.PUBLISHED else None,
    )


def a_variant(price: int, *, position: int = 1, product_id: UUID | None = None) -> Variant:
    return Variant(
        id=new_id(),
        product_id=product_id or new_id(),
        seller_id=new_id(),
        sku="LAMP",
        title="Lamp",
        price=price,
        currency="EUR",
        position=position,
        version=1,
        created_at=NOW,
    )


@pytest.mark.parametrize(("status", "step"), list(pairs(S, STEPS)))
def test_each_step_from_each_state_is_taken_or_refused_as_the_table_says(status: ProductStatus, step: str) -> None:
    # given a product in any state
    product = a_product(status)
    take, target = STEPS[step]
    # when any step is tried, then it is taken once and counted, or refused and nothing changes
    if (status, step) in ALLOWED:
        take(product)
        assert (product.status, product.version) == (target, 2)
    else:
        with pytest.raises(ProductStatusConflict):
            take(product)
        assert (product.status, product.version) == (status, 1)


def test_the_legal_transitions_are_exactly_those_that_steps_reach() -> None:
    assert {(status, target) for status in S for target in LEGAL[status]} == {
        (status, STEPS[step][1]) for status, step in ALLOWED
    }


@pytest.mark.parametrize(
    ("status", "seller_active", "listed", "public"),
    [
        (S.DRAFT, True, False, False),
        (S.SUBMITTED, True, False, False),
        (S.REJECTED, True, False, False),
        (S.PUBLISHED, True, True, True),
        (S.PUBLISHED, False, False, True),
    ],
)
def test_buyers_find_what_is_published_by_a_seller_in_good_standing(
    status: ProductStatus, *, seller_active: bool, listed: bool, public: bool
) -> None:
    product = a_product(status, seller_active=seller_active)
    assert (product.is_listed, product.is_public) == (listed, public)


def test_an_archived_product_stays_public_only_if_it_was_published() -> None:
    sold, never = a_product(S.PUBLISHED), a_product(S.DRAFT)
    sold.archive()
    never.archive()
    assert (sold.is_public, sold.is_listed, never.is_public) == (True, False, False)


def test_a_reason_of_rejection_is_gone_once_submitted_again() -> None:
    product = a_product(S.SUBMITTED)
    product.reject("blurred")
    reason = product.rejection_reason
    product.submit()
    assert (reason, product.rejection_reason) == ("blurred", None)


def test_describing_a_product_as_it_is_changes_nothing() -> None:
    product = a_product()
    same = {"description": "", "category_id": None, "attributes": (), "media": ()}
    assert product.describe(title="Lamp", **same) is False  # type: ignore[arg-type]
    assert product.version == 1
    assert product.describe(title="Lantern", **same) is True  # type: ignore[arg-type]
    assert (product.title, product.version) == ("Lantern", 2)


def test_a_price_that_is_the_same_is_no_change() -> None:
    variant = a_variant(100)
    assert [variant.change_price(price) for price in (100, 90, 90, 100)] == [False, True, False, True]
    assert (variant.price, variant.version) == (100, 3)


def test_a_products_range_is_that_of_its_variants() -> None:
    product = a_product()
    product.reprice([a_variant(500), a_variant(200), a_variant(900)])
    assert (product.price_min, product.price_max, product.version) == (200, 900, 1)


def test_variants_are_numbered_up_to_a_hundred() -> None:
    variants = [a_variant(1, position=position) for position in range(1, MAX_VARIANTS + 1)]
    assert (next_position([]), next_position(variants[:-1])) == (1, 100)
    with pytest.raises(TooManyVariants):
        next_position(variants)

"""How lists are ordered and what a search counts beside its hits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

PRICE_BOUNDS = (10_00, 25_00, 50_00, 100_00, 250_00, 500_00, 1000_00)
"""Where one price range ends and the next begins, in cents of whatever currency."""


class ProductSort(StrEnum):
    NEWEST = "NEWEST"
    PRICE_ASC = "PRICE_ASC"
    PRICE_DESC = "PRICE_DESC"
    TITLE = "TITLE"
    RATING = "RATING"


@dataclass(frozen=True, slots=True)
class CategoryCount:
    category_id: UUID
    count: int


@dataclass(frozen=True, slots=True)
class PriceCount:
    """Products whose lowest price lies in `[start, end)` cents; `end` None is open."""

    currency: str
    start: int
    end: int | None
    count: int


@dataclass(frozen=True, slots=True)
class Facets:
    """Counts over all hits of a search, whatever page is looked at."""

    categories: tuple[CategoryCount, ...]
    prices: tuple[PriceCount, ...]
    in_stock: int
    out_of_stock: int


def price_range(bucket: int) -> tuple[int, int | None]:
    """The range of bucket 0 … len(PRICE_BOUNDS), as Postgres' `width_bucket` numbers them."""
    start = PRICE_BOUNDS[bucket - 1] if bucket else 0
    end = PRICE_BOUNDS[bucket] if bucket < len(PRICE_BOUNDS) else None
    return start, end

"""Products and their variants: how a product goes from draft to shop window and out of it, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from subgraphs.catalog.domain.attributes import Attribute, Medium
from subgraphs.catalog.errors import ProductStatusConflict, TooManyVariants

MAX_VARIANTS = 100


class ProductStatus(StrEnum):
    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    PUBLISHED = "PUBLISHED"
    REJECTED = "REJECTED"
    ARCHIVED = "ARCHIVED"


LEGAL: Mapping[ProductStatus, frozenset[ProductStatus]] = {
    ProductStatus.DRAFT: frozenset({ProductStatus.SUBMITTED, ProductStatus.ARCHIVED}),
    ProductStatus.SUBMITTED: frozenset({ProductStatus.PUBLISHED, ProductStatus.REJECTED, ProductStatus.ARCHIVED}),
    ProductStatus.PUBLISHED: frozenset({ProductStatus.ARCHIVED}),
    ProductStatus.REJECTED: frozenset({ProductStatus.SUBMITTED, ProductStatus.ARCHIVED}),
    ProductStatus.ARCHIVED: frozenset(),
}
"""Archived is the end: what was bought once stays as it was bought."""


@dataclass(eq=False)
class Variant:
    """One sellable unit. `price` is cents of the product's currency; `version` grows with each price."""

    id: UUID
    product_id: UUID
    seller_id: UUID
    sku: str
    title: str
    price: int
    currency: str
    position: int
    version: int
    created_at: datetime

    def change_price(self, price: int) -> bool:
        """Whether it is another price than before."""
        if price == self.price:
            return False
        self.price = price
        self.version += 1
        return True


@dataclass(eq=False)
class Product:
    """What a seller offers. `version` grows with each change of its own facts or status and orders its events.

    `price_min`, `price_max` follow the variants; `in_stock`, `rating` (hundredths of a star, 0 without a review) and
    `seller_active` follow what other domains tell. `relevance` is set by a search only.
    """

    id: UUID
    seller_id: UUID
    category_id: UUID | None
    title: str
    description: str
    status: ProductStatus
    rejection_reason: str | None
    attributes: tuple[Attribute, ...]
    media: tuple[Medium, ...]
    currency: str
    price_min: int
    price_max: int
    in_stock: bool
    rating: int
    seller_active: bool
    version: int
    created_at: datetime
    published_at: datetime | None

    @property
    def is_public(self) -> bool:
        """Whether anybody may read it: it is, or was until it was archived, in the shop window."""
        published = ProductStatus.PUBLISHED, ProductStatus.ARCHIVED
        return self.status in published and self.published_at is not None

    @property
    def is_listed(self) -> bool:
        """Whether buyers find it."""
        return self.status is ProductStatus.PUBLISHED and self.seller_active

    def submit(self) -> None:
        """Raises ProductStatusConflict."""
        self._become(ProductStatus.SUBMITTED, "submitted")
        self.rejection_reason = None

    def publish(self, at: datetime) -> None:
        """Raises ProductStatusConflict."""
        self._become(ProductStatus.PUBLISHED, "published")
        self.published_at = at

    def reject(self, reason: str) -> None:
        """Raises ProductStatusConflict."""
        self._become(ProductStatus.REJECTED, "rejected")
        self.rejection_reason = reason

    def archive(self) -> None:
        """Raises ProductStatusConflict."""
        self._become(ProductStatus.ARCHIVED, "archived")

    def require_editable(self) -> None:
        """Raises ProductStatusConflict for an archived product."""
        if self.status is ProductStatus.ARCHIVED:
            raise ProductStatusConflict(self.status, "changed")

    def describe(
        self,
        *,
        title: str,
        description: str,
        category_id: UUID | None,
        attributes: tuple[Attribute, ...],
        media: tuple[Medium, ...],
    ) -> bool:
        """Whether anything changed. Raises ProductStatusConflict for an archived product."""
        self.require_editable()
        before = (self.title, self.description, self.category_id, self.attributes, self.media)
        if before == (title, description, category_id, attributes, media):
            return False
        self.title, self.description, self.category_id = title, description, category_id
        self.attributes, self.media = attributes, media
        self.version += 1
        return True

    def reprice(self, variants: Sequence[Variant]) -> None:
        """Follow the prices of all its variants."""
        self.price_min = min(variant.price for variant in variants)
        self.price_max = max(variant.price for variant in variants)

    def _become(self, status: ProductStatus, action: str) -> None:
        if status not in LEGAL[self.status]:
            raise ProductStatusConflict(self.status, action)
        self.status = status
        self.version += 1


def next_position(variants: Sequence[Variant]) -> int:
    """Where one more variant goes. Raises TooManyVariants."""
    if len(variants) >= MAX_VARIANTS:
        raise TooManyVariants(MAX_VARIANTS)
    return max((variant.position for variant in variants), default=0) + 1

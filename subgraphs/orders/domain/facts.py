"""What orders keeps of other domains' facts."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID


class ProductStatus(StrEnum):
    """UNPUBLISHED: something was told of the product, but not yet that it is published."""

    UNPUBLISHED = "UNPUBLISHED"
    PUBLISHED = "PUBLISHED"
    ARCHIVED = "ARCHIVED"


class SellerStatus(StrEnum):
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


EVERY_SELLER = UUID(int=0)
"""Whom the default commission rule applies to: all without a rule of their own."""

FALLBACK_COMMISSION_BPS = 1000
"""The rate that the marketplace starts with. It holds only while no rule and no approval has told another."""

"""The domain's closed sets as the graph shows them. Whoever names one in a type or input imports it from here."""

from __future__ import annotations

import strawberry

from subgraphs.catalog.domain.attributes import AttributeType
from subgraphs.catalog.domain.product import ProductStatus
from subgraphs.catalog.domain.search import ProductSort
from subgraphs.catalog.errors import CatalogErrorCode

__all__ = ["AttributeType", "CatalogErrorCode", "ProductSort", "ProductStatus"]

strawberry.enum(AttributeType, description="What kind of value an attribute has.")
strawberry.enum(CatalogErrorCode, name="ErrorCode", description="Why a mutation was refused.")
strawberry.enum(ProductSort, description="The order of a list of products.")
strawberry.enum(ProductStatus, description="Where a product stands between draft and archive.")

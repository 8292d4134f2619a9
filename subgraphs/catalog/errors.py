"""Why catalog refuses."""

from __future__ import annotations

from enum import StrEnum

from shared.errors import Conflict, InvalidInput, NotFound


class CatalogErrorCode(StrEnum):
    INVALID_INPUT = "INVALID_INPUT"
    INVALID_ATTRIBUTE = "INVALID_ATTRIBUTE"
    SELLER_NOT_ACTIVE = "SELLER_NOT_ACTIVE"
    PRODUCT_NOT_FOUND = "PRODUCT_NOT_FOUND"
    PRODUCT_STATUS_CONFLICT = "PRODUCT_STATUS_CONFLICT"
    MODERATION_REQUIRED = "MODERATION_REQUIRED"
    VARIANT_NOT_FOUND = "VARIANT_NOT_FOUND"
    SKU_TAKEN = "SKU_TAKEN"
    TOO_MANY_VARIANTS = "TOO_MANY_VARIANTS"
    CATEGORY_NOT_FOUND = "CATEGORY_NOT_FOUND"
    CATEGORY_TOO_DEEP = "CATEGORY_TOO_DEEP"
    SLUG_TAKEN = "SLUG_TAKEN"


class SellerNotActive(Conflict):
    def __init__(self) -> None:
        super().__init__(
            CatalogErrorCode.SELLER_NOT_ACTIVE, "Only an approved seller that is not suspended may do this."
        )


class ProductNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(CatalogErrorCode.PRODUCT_NOT_FOUND, "There is no such product.", field=("productId",))


class ProductStatusConflict(Conflict):
    def __init__(self, status: str, action: str) -> None:
        super().__init__(
            CatalogErrorCode.PRODUCT_STATUS_CONFLICT,
            f"A product that is {status} cannot be {action}.",
            field=("productId",),
        )


class ModerationRequired(Conflict):
    def __init__(self) -> None:
        super().__init__(
            CatalogErrorCode.MODERATION_REQUIRED, "A moderator publishes this product.", field=("productId",)
        )


class VariantNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(CatalogErrorCode.VARIANT_NOT_FOUND, "There is no such variant.", field=("variantId",))


class SkuTaken(Conflict):
    def __init__(self, sku: str) -> None:
        super().__init__(
            CatalogErrorCode.SKU_TAKEN, f"Another variant of this seller has the SKU {sku}.", field=("sku",)
        )


class TooManyVariants(Conflict):
    def __init__(self, limit: int) -> None:
        super().__init__(CatalogErrorCode.TOO_MANY_VARIANTS, f"A product has at most {limit} variants.")


class InvalidAttribute(InvalidInput):
    def __init__(self, name: str, problem: str) -> None:
        super().__init__(CatalogErrorCode.INVALID_ATTRIBUTE, f"The attribute {name} {problem}.", field=("attributes",))


class CategoryNotFound(NotFound):
    def __init__(self, field: str = "categoryId") -> None:
        super().__init__(CatalogErrorCode.CATEGORY_NOT_FOUND, "There is no such category.", field=(field,))


class CategoryTooDeep(Conflict):
    def __init__(self, limit: int) -> None:
        super().__init__(
            CatalogErrorCode.CATEGORY_TOO_DEEP, f"Categories nest at most {limit} levels deep.", field=("parentId",)
        )


class SlugTaken(Conflict):
    def __init__(self, slug: str) -> None:
        super().__init__(CatalogErrorCode.SLUG_TAKEN, f"Another category has the slug {slug}.", field=("slug",))

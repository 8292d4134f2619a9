"""What clients may ask of catalog, as validated values."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, HttpUrl, TypeAdapter, field_validator, model_validator

from shared.commands import Command, Input
from subgraphs.catalog.domain.attributes import Attribute, AttributeDefinition, AttributeType, Medium
from subgraphs.catalog.domain.product import MAX_VARIANTS, ProductStatus

_URL = TypeAdapter(HttpUrl)


def _checked_url(value: str) -> str:
    _URL.validate_python(value)
    return value


Title = Annotated[str, Field(min_length=1, max_length=200)]
Description = Annotated[str, Field(max_length=20_000)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
# Far below 2^53 - 1, so that a cart of thousands still counts exactly.
Price = Annotated[int, Field(ge=1, le=100_000_000_00)]
Sku = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")]
Url = Annotated[str, Field(max_length=2000), AfterValidator(_checked_url)]
Slug = Annotated[str, Field(max_length=80, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class NewAttribute(Input):
    name: Annotated[str, Field(min_length=1, max_length=60)]
    type: AttributeType = AttributeType.TEXT
    value: Annotated[str, Field(min_length=1, max_length=500)]

    def value_object(self) -> Attribute:
        return Attribute(self.name, self.type, self.value)


class NewMedium(Input):
    url: Url
    alt: Annotated[str, Field(max_length=200)] = ""

    def value_object(self) -> Medium:
        return Medium(self.url, self.alt)


class NewVariant(Input):
    sku: Sku
    title: Title
    price: Price


Attributes = Annotated[tuple[NewAttribute, ...], Field(max_length=50)]
Media = Annotated[tuple[NewMedium, ...], Field(max_length=20)]


class CreateProduct(Command):
    title: Title
    description: Description = ""
    category_id: UUID | None = None
    currency: Currency
    attributes: Attributes = ()
    media: Media = ()
    variants: Annotated[tuple[NewVariant, ...], Field(min_length=1, max_length=MAX_VARIANTS)]

    @field_validator("variants")
    @classmethod
    def _skus_differ(cls, variants: tuple[NewVariant, ...]) -> tuple[NewVariant, ...]:
        if len({variant.sku for variant in variants}) < len(variants):
            raise ValueError("Each variant needs a SKU of its own.")
        return variants


class UpdateProduct(Command):
    """Fields that were not sent stay as they are; `category_id` sent as null takes the product out of its category."""

    product_id: UUID
    title: Title | None = None
    description: Description | None = None
    category_id: UUID | None = None
    attributes: Attributes | None = None
    media: Media | None = None

    @property
    def changes_category(self) -> bool:
        return "category_id" in self.model_fields_set


class AddVariant(Command):
    product_id: UUID
    sku: Sku
    title: Title
    price: Price


class ChangePrice(Command):
    variant_id: UUID
    price: Price


class SubmitProduct(Command):
    product_id: UUID


class PublishProduct(Command):
    product_id: UUID


class RejectProduct(Command):
    product_id: UUID
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class ArchiveProduct(Command):
    product_id: UUID


class NewAttributeDefinition(Input):
    name: Annotated[str, Field(min_length=1, max_length=60)]
    type: AttributeType
    required: bool = False

    def value_object(self) -> AttributeDefinition:
        return AttributeDefinition(self.name, self.type, self.required)


class CreateCategory(Command):
    """Without a slug the name makes one."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    slug: Slug | None = None
    parent_id: UUID | None = None
    attributes: Annotated[tuple[NewAttributeDefinition, ...], Field(max_length=50)] = ()


class ProductCriteria(Input):
    """Which products a list holds. Prices are cents and overlap a product's range; `min_rating` is in stars."""

    category_id: UUID | None = None
    seller_id: UUID | None = None
    price_min: Annotated[int, Field(ge=0)] | None = None
    price_max: Annotated[int, Field(ge=0)] | None = None
    currency: Currency | None = None
    in_stock: bool | None = None
    min_rating: Annotated[float, Field(ge=0, le=5)] | None = None
    status: tuple[ProductStatus, ...] | None = None

    @model_validator(mode="after")
    def _range_is_a_range(self) -> ProductCriteria:
        if self.price_min is not None and self.price_max is not None and self.price_min > self.price_max:
            raise ValueError("priceMin must not exceed priceMax.")
        return self


class SearchQuery(Input):
    """Words a person typed."""

    text: Annotated[str, Field(min_length=1, max_length=200)]

"""What clients send; each input names the pydantic model it must pass."""

from __future__ import annotations

from typing import ClassVar

import strawberry

from shared.commands import Input
from shared.graphql.scalars import Cents
from subgraphs.catalog.domain import commands
from subgraphs.catalog.graphql.enums import AttributeType, ProductStatus

KEY = "Chosen by the client, unique per attempt to write: the same key never acts twice."
KEPT = "Left out, it stays as it is."


@strawberry.input(description="A typed fact about a product.")
class ProductAttributeInput:
    command: ClassVar[type[Input]] = commands.NewAttribute
    name: str = strawberry.field(description="Up to 60 characters, unique in the product.")
    type: AttributeType = strawberry.field(default=AttributeType.TEXT, description="How to read the value.")
    value: str = strawberry.field(description="As text: a NUMBER is a decimal number, a BOOLEAN true or false.")


@strawberry.input(description="A picture or film of a product.")
class ProductMediaInput:
    command: ClassVar[type[Input]] = commands.NewMedium
    url: str = strawberry.field(description="Its http or https address.")
    alt: str = strawberry.field(default="", description="What it shows, for those who cannot see it.")


@strawberry.input(description="A sellable unit of a new product.")
class NewVariantInput:
    command: ClassVar[type[Input]] = commands.NewVariant
    sku: str = strawberry.field(description="The seller's own number for it, unique among all its variants.")
    title: str = strawberry.field(description="What sets it apart within its product.")
    price: Cents = strawberry.field(description="Price of one, in the product's currency; at least one cent.")


@strawberry.input(description="A new product with its first variants; it starts as a draft.")
class CreateProductInput:
    command: ClassVar[type[Input]] = commands.CreateProduct
    idempotency_key: str = strawberry.field(description=KEY)
    title: str = strawberry.field(description="One line, up to 200 characters.")
    description: str = strawberry.field(default="", description="Up to 20000 characters.")
    category_id: strawberry.ID | None = strawberry.field(default=None, description="What kind of goods it is.")
    currency: str = strawberry.field(description="ISO 4217 code of all its prices; it stays for good.")
    attributes: list[ProductAttributeInput] = strawberry.field(default_factory=list, description="At most 50.")
    media: list[ProductMediaInput] = strawberry.field(default_factory=list, description="In order, at most 20.")
    variants: list[NewVariantInput] = strawberry.field(description="In order, 1 to 100.")


@strawberry.input(description="New facts of a product. What is left out stays as it is.")
class UpdateProductInput:
    command: ClassVar[type[Input]] = commands.UpdateProduct
    idempotency_key: str = strawberry.field(description=KEY)
    product_id: strawberry.ID = strawberry.field(description="The product.")
    title: str | None = strawberry.field(default=strawberry.UNSET, description=KEPT)
    description: str | None = strawberry.field(default=strawberry.UNSET, description=KEPT)
    category_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Left out, it stays as it is; null takes the product out of its category."
    )
    attributes: list[ProductAttributeInput] | None = strawberry.field(
        default=strawberry.UNSET, description="All of them: they replace those before."
    )
    media: list[ProductMediaInput] | None = strawberry.field(
        default=strawberry.UNSET, description="All of them: they replace those before."
    )


@strawberry.input(description="One more sellable unit of a product.")
class AddVariantInput:
    command: ClassVar[type[Input]] = commands.AddVariant
    idempotency_key: str = strawberry.field(description=KEY)
    product_id: strawberry.ID = strawberry.field(description="The product.")
    sku: str = strawberry.field(description="The seller's own number for it, unique among all its variants.")
    title: str = strawberry.field(description="What sets it apart within its product.")
    price: Cents = strawberry.field(description="Price of one, in the product's currency; at least one cent.")


@strawberry.input(description="A new price of a variant.")
class ChangePriceInput:
    command: ClassVar[type[Input]] = commands.ChangePrice
    idempotency_key: str = strawberry.field(description=KEY)
    variant_id: strawberry.ID = strawberry.field(description="The variant.")
    price: Cents = strawberry.field(description="Price of one, in the product's currency; at least one cent.")


@strawberry.input(description="A draft that is ready.")
class SubmitProductInput:
    command: ClassVar[type[Input]] = commands.SubmitProduct
    idempotency_key: str = strawberry.field(description=KEY)
    product_id: strawberry.ID = strawberry.field(description="A draft, or a product that was rejected.")


@strawberry.input(description="A submitted product that buyers shall find.")
class PublishProductInput:
    command: ClassVar[type[Input]] = commands.PublishProduct
    idempotency_key: str = strawberry.field(description=KEY)
    product_id: strawberry.ID = strawberry.field(description="A submitted product.")


@strawberry.input(description="A submitted product that must change first.")
class RejectProductInput:
    command: ClassVar[type[Input]] = commands.RejectProduct
    idempotency_key: str = strawberry.field(description=KEY)
    product_id: strawberry.ID = strawberry.field(description="A submitted product.")
    reason: str = strawberry.field(description="For the seller, up to 500 characters.")


@strawberry.input(description="A product that is no longer sold.")
class ArchiveProductInput:
    command: ClassVar[type[Input]] = commands.ArchiveProduct
    idempotency_key: str = strawberry.field(description=KEY)
    product_id: strawberry.ID = strawberry.field(description="The product; it cannot be brought back.")


@strawberry.input(description="What a category asks of its products and of those below it.")
class AttributeDefinitionInput:
    command: ClassVar[type[Input]] = commands.NewAttributeDefinition
    name: str = strawberry.field(description="Up to 60 characters.")
    type: AttributeType = strawberry.field(description="What kind of value it has.")
    required: bool = strawberry.field(default=False, description="Whether a product needs it before it is submitted.")


@strawberry.input(description="A new kind of goods.")
class CreateCategoryInput:
    command: ClassVar[type[Input]] = commands.CreateCategory
    idempotency_key: str = strawberry.field(description=KEY)
    name: str = strawberry.field(description="For people, up to 80 characters.")
    slug: str | None = strawberry.field(
        default=None, description="For addresses: lower-case letters, digits, hyphens. Without one the name makes it."
    )
    parent_id: strawberry.ID | None = strawberry.field(
        default=None, description="The category above it; without one it is a root. At most 6 levels."
    )
    attributes: list[AttributeDefinitionInput] = strawberry.field(default_factory=list, description="At most 50.")


@strawberry.input(description="Which products a list holds; all conditions must be met.")
class ProductFilter:
    command: ClassVar[type[Input]] = commands.ProductCriteria
    category_id: strawberry.ID | None = strawberry.field(default=None, description="In this category or any below it.")
    seller_id: strawberry.ID | None = strawberry.field(default=None, description="Of this seller.")
    price_min: Cents | None = strawberry.field(default=None, description="Its dearest variant costs this much or more.")
    price_max: Cents | None = strawberry.field(
        default=None, description="Its cheapest variant costs this much or less."
    )
    currency: str | None = strawberry.field(default=None, description="Priced in this currency (ISO 4217).")
    in_stock: bool | None = strawberry.field(default=None, description="Some variant can be bought now, or none can.")
    min_rating: float | None = strawberry.field(default=None, description="Rated with this many stars or more.")
    status: list[ProductStatus] | None = strawberry.field(
        default=None,
        description="In one of these states, instead of what buyers find: a seller among its own products, or staff.",
    )

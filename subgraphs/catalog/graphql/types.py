"""The types that catalog adds to the graph: products, variants, categories, and the products of a seller."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from shared.auth.actor import CATALOG_READ
from shared.db.keyset import PageRequest
from shared.graphql.access import READS_CATALOG
from shared.graphql.caching import FACTS, LISTS
from shared.graphql.types import PAGED, Connection, Money, Node, UserError, connection, parse_id
from subgraphs.catalog.domain import category as category_domain
from subgraphs.catalog.domain import product as product_domain
from subgraphs.catalog.graphql.context import Info
from subgraphs.catalog.graphql.enums import AttributeType, CatalogErrorCode, ProductStatus


@strawberry.type(description="What a category asks of its products.")
class AttributeDefinition:
    name: str = strawberry.field(description="The attribute's name, unique in the category.")
    type: AttributeType = strawberry.field(description="What kind of value it has.")
    required: bool = strawberry.field(description="Whether a product needs it before it is submitted.")


@strawberry.type(description="A typed fact about a product.")
class ProductAttribute:
    name: str = strawberry.field(description="Unique in the product.")
    type: AttributeType = strawberry.field(description="How to read the value.")
    value: str = strawberry.field(description="As text: a NUMBER is a decimal number, a BOOLEAN true or false.")


@strawberry.type(description="A picture or film of a product.")
class ProductMedia:
    url: str = strawberry.field(description="Where it lies.")
    alt: str = strawberry.field(description="What it shows, for those who cannot see it; may be empty.")


@strawberry.type(description="What the variants of a product cost.")
class PriceRange:
    min: Money = strawberry.field(description="Price of the cheapest variant.")
    max: Money = strawberry.field(description="Price of the dearest variant.")


@strawberry.federation.type(keys=["id"], description="A kind of goods, in a tree.")
class Category(Node):
    name: str = strawberry.field(directives=[FACTS], description="For people.")
    slug: str = strawberry.field(directives=[FACTS], description="For addresses; unique.")
    attributes: list[AttributeDefinition] = strawberry.field(
        directives=[FACTS], description="What it asks of its products and of those in the categories below it."
    )
    parent_id: strawberry.Private[UUID | None]

    @classmethod
    def of(cls, category: category_domain.Category) -> Category:
        return cls(
            id=strawberry.ID(str(category.id)),
            name=category.name,
            slug=category.slug,
            attributes=[
                AttributeDefinition(name=d.name, type=d.type, required=d.required) for d in category.attributes
            ],
            parent_id=category.parent_id,
        )

    @classmethod
    async def resolve_references(cls, info: Info, references: list[dict[str, Any]]) -> Sequence[Category | None]:
        found = await info.context.category_by_id.load_many([parse_id(reference["id"]) for reference in references])
        return [cls.of(category) if category else None for category in found]

    @strawberry.field(directives=[FACTS], description="The category above it; null for a root.")
    async def parent(self, info: Info) -> Category | None:
        parent = await info.context.category_by_id.load(self.parent_id) if self.parent_id else None
        return Category.of(parent) if parent else None

    @strawberry.field(directives=[LISTS, PAGED], description="The categories right below it, by name.")
    async def children(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Category]:
        request = PageRequest.of(first, after, last, before)
        page = await info.context.categories_by_parent.load((UUID(self.id), request))

        async def count() -> int:
            return await info.context.category_count_by_parent.load(UUID(self.id)) or 0

        return connection(page, Category.of, count)

    @strawberry.field(
        directives=[LISTS, PAGED],
        description="What can be bought directly in it, newest first; Query.products covers the categories below too.",
    )
    async def products(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Product]:
        request = PageRequest.of(first, after, last, before)
        page = await info.context.products_by_category.load((UUID(self.id), request))

        async def count() -> int:
            return await info.context.product_count_by_category.load(UUID(self.id)) or 0

        return connection(page, Product.of, count)


@strawberry.federation.type(keys=["id"], description="A business that sells on the marketplace.")
class Seller:
    id: strawberry.ID = strawberry.field(description="UUID v4.")

    @strawberry.field(directives=[LISTS, PAGED], description="What can be bought of this seller, newest first.")
    async def products(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Product]:
        request = PageRequest.of(first, after, last, before)
        page = await info.context.products_by_seller.load((parse_id(self.id), request))

        async def count() -> int:
            return await info.context.product_count_by_seller.load(parse_id(self.id)) or 0

        return connection(page, Product.of, count)


@strawberry.federation.type(keys=["id"], description="One sellable unit of a product.")
class Variant(Node):
    sku: str = strawberry.federation.field(
        directives=[FACTS], shareable=True, description="The seller's own number for it."
    )
    title: str = strawberry.federation.field(
        directives=[FACTS], shareable=True, description="What sets it apart within its product."
    )
    price: Money = strawberry.field(directives=[FACTS], description="What one costs now.")
    position: int = strawberry.field(
        directives=[FACTS], description="Its place among the variants of its product, from 1."
    )
    product_id: strawberry.Private[UUID]

    @classmethod
    def of(cls, variant: product_domain.Variant) -> Variant:
        return cls(
            id=strawberry.ID(str(variant.id)),
            sku=variant.sku,
            title=variant.title,
            price=Money.cents(variant.price, variant.currency),
            position=variant.position,
            product_id=variant.product_id,
        )

    @classmethod
    async def resolve_references(cls, info: Info, references: list[dict[str, Any]]) -> Sequence[Variant | None]:
        found = await info.context.variant_by_id.load_many([parse_id(reference["id"]) for reference in references])
        return [cls.of(variant) if variant else None for variant in found]

    @strawberry.field(directives=[FACTS], description="The product it is a variant of.")
    async def product(self, info: Info) -> Product | None:
        found = await info.context.product_by_id.load(self.product_id)
        return Product.of(found) if found else None


@strawberry.federation.type(keys=["id"], description="Something that is sold, in one or more variants.")
class Product(Node):
    title: str = strawberry.field(directives=[FACTS], description="One line.")
    description: str = strawberry.field(directives=[FACTS], description="The whole text; may be empty.")
    status: ProductStatus = strawberry.field(
        directives=[FACTS], description="Where it stands between draft and archive."
    )
    rejection_reason: str | None = strawberry.field(description="Why a moderator rejected it, for its seller.")
    listed: bool = strawberry.field(
        directives=[FACTS], description="Whether buyers find it: published, by a seller in good standing."
    )
    attributes: list[ProductAttribute] = strawberry.field(directives=[FACTS], description="Typed facts, at most 50.")
    media: list[ProductMedia] = strawberry.field(
        directives=[FACTS], description="Pictures and films in the seller's order, at most 20."
    )
    price_range: PriceRange = strawberry.field(
        directives=[FACTS], description="From the cheapest variant to the dearest."
    )
    seller: Seller = strawberry.field(directives=[FACTS], description="Who sells it.")
    created_at: datetime = strawberry.field(directives=[FACTS], description="When its draft was made.")
    published_at: datetime | None = strawberry.field(directives=[FACTS], description="When it was published.")
    category_id: strawberry.Private[UUID | None]
    version: strawberry.Private[int]

    @classmethod
    def of(cls, product: product_domain.Product) -> Product:
        return cls(
            id=strawberry.ID(str(product.id)),
            title=product.title,
            description=product.description,
            status=product.status,
            rejection_reason=product.rejection_reason,
            listed=product.is_listed,
            attributes=[ProductAttribute(name=a.name, type=a.type, value=a.value) for a in product.attributes],
            media=[ProductMedia(url=m.url, alt=m.alt) for m in product.media],
            price_range=PriceRange(
                min=Money.cents(product.price_min, product.currency),
                max=Money.cents(product.price_max, product.currency),
            ),
            seller=Seller(id=strawberry.ID(str(product.seller_id))),
            created_at=product.created_at,
            published_at=product.published_at,
            category_id=product.category_id,
            version=product.version,
        )

    @classmethod
    async def resolve_references(cls, info: Info, references: list[dict[str, Any]]) -> Sequence[Product | None]:
        found = await info.context.product_by_id.load_many([parse_id(reference["id"]) for reference in references])
        return [cls.of(product) if product else None for product in found]

    @strawberry.field(
        directives=[READS_CATALOG],
        description="Grows with each change of its facts and status, for programs that keep a copy (scope catalog:read).",
    )
    def revision(self, info: Info) -> int | None:
        info.context.actor.require_scope(CATALOG_READ)
        return self.version

    @strawberry.field(directives=[FACTS], description="What kind of goods it is.")
    async def category(self, info: Info) -> Category | None:
        found = await info.context.category_by_id.load(self.category_id) if self.category_id else None
        return Category.of(found) if found else None

    @strawberry.field(directives=[FACTS], description="All its variants in order, at most 100.")
    async def variants(self, info: Info) -> list[Variant]:
        found = await info.context.variants_by_product.load(UUID(self.id))
        return [Variant.of(variant) for variant in found or ()]


@strawberry.type(description="What a mutation of a product answers.")
class ProductPayload:
    product: Product | None = strawberry.field(description="The product after the change.")
    user_errors: list[UserError[CatalogErrorCode]] = strawberry.field(description="Why it was refused; empty if not.")


@strawberry.type(description="What a mutation of a variant answers.")
class VariantPayload:
    variant: Variant | None = strawberry.field(description="The variant after the change.")
    product: Product | None = strawberry.field(description="Its product after the change.")
    user_errors: list[UserError[CatalogErrorCode]] = strawberry.field(description="Why it was refused; empty if not.")


@strawberry.type(description="What a mutation of a category answers.")
class CategoryPayload:
    category: Category | None = strawberry.field(description="The category after the change.")
    user_errors: list[UserError[CatalogErrorCode]] = strawberry.field(description="Why it was refused; empty if not.")

"""Writes of catalog."""

from __future__ import annotations

from uuid import UUID

import strawberry

from shared.db.idempotency import Outcome
from shared.graphql.types import user_errors
from subgraphs.catalog.graphql.context import Info
from subgraphs.catalog.graphql.enums import CatalogErrorCode
from subgraphs.catalog.graphql.inputs import (
    AddVariantInput,
    ArchiveProductInput,
    ChangePriceInput,
    CreateCategoryInput,
    CreateProductInput,
    PublishProductInput,
    RejectProductInput,
    SubmitProductInput,
    UpdateProductInput,
)
from subgraphs.catalog.graphql.types import Category, CategoryPayload, Product, ProductPayload, Variant, VariantPayload


@strawberry.type
class Mutation:
    @strawberry.mutation(description="Make the draft of a product with its variants (an approved seller).")
    async def create_product(self, info: Info, input: CreateProductInput) -> ProductPayload:
        service = info.context.service
        return await _product_payload(info, await info.context.write("createProduct", input, service.create_product))

    @strawberry.mutation(description="Change the facts of your product (an approved seller).")
    async def update_product(self, info: Info, input: UpdateProductInput) -> ProductPayload:
        service = info.context.service
        return await _product_payload(info, await info.context.write("updateProduct", input, service.update_product))

    @strawberry.mutation(description="Add a variant to your product (an approved seller).")
    async def add_variant(self, info: Info, input: AddVariantInput) -> VariantPayload:
        service = info.context.service
        return await _variant_payload(info, await info.context.write("addVariant", input, service.add_variant))

    @strawberry.mutation(description="Change what a variant of your product costs (an approved seller).")
    async def change_price(self, info: Info, input: ChangePriceInput) -> VariantPayload:
        service = info.context.service
        return await _variant_payload(info, await info.context.write("changePrice", input, service.change_price))

    @strawberry.mutation(description="Say that your draft is ready to be published (an approved seller).")
    async def submit_product(self, info: Info, input: SubmitProductInput) -> ProductPayload:
        service = info.context.service
        return await _product_payload(info, await info.context.write("submitProduct", input, service.submit_product))

    @strawberry.mutation(
        description="Let buyers find a submitted product (support, admin; its seller where nobody moderates)."
    )
    async def publish_product(self, info: Info, input: PublishProductInput) -> ProductPayload:
        service = info.context.service
        return await _product_payload(info, await info.context.write("publishProduct", input, service.publish_product))

    @strawberry.mutation(description="Send a submitted product back to its seller (support, admin).")
    async def reject_product(self, info: Info, input: RejectProductInput) -> ProductPayload:
        service = info.context.service
        return await _product_payload(info, await info.context.write("rejectProduct", input, service.reject_product))

    @strawberry.mutation(description="Take a product off the market for good (its seller, support, admin).")
    async def archive_product(self, info: Info, input: ArchiveProductInput) -> ProductPayload:
        service = info.context.service
        return await _product_payload(info, await info.context.write("archiveProduct", input, service.archive_product))

    @strawberry.mutation(description="Add a category to the tree (admin).")
    async def create_category(self, info: Info, input: CreateCategoryInput) -> CategoryPayload:
        outcome = await info.context.write("createCategory", input, info.context.service.create_category)
        category_id = outcome.ids.get("category")
        found = await info.context.category_by_id.load(UUID(category_id)) if category_id else None
        return CategoryPayload(
            category=Category.of(found) if found else None, user_errors=user_errors(outcome, CatalogErrorCode)
        )


async def _product_payload(info: Info, outcome: Outcome) -> ProductPayload:
    return ProductPayload(product=await _product(info, outcome), user_errors=user_errors(outcome, CatalogErrorCode))


async def _variant_payload(info: Info, outcome: Outcome) -> VariantPayload:
    variant_id = outcome.ids.get("variant")
    found = await info.context.variant_by_id.load(UUID(variant_id)) if variant_id else None
    return VariantPayload(
        variant=Variant.of(found) if found else None,
        product=await _product(info, outcome),
        user_errors=user_errors(outcome, CatalogErrorCode),
    )


async def _product(info: Info, outcome: Outcome) -> Product | None:
    product_id = outcome.ids.get("product")
    found = await info.context.written_product_by_id.load(UUID(product_id)) if product_id else None
    return Product.of(found) if found else None

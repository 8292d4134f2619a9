"""SQL of products and variants: by id, by owner, and for update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db.keyset import Page, PageRequest, SortKey, fetch_pages
from subgraphs.catalog import models
from subgraphs.catalog.domain.product import Product, ProductStatus, Variant
from subgraphs.catalog.errors import ProductNotFound, VariantNotFound

_p, _v = models.product, models.variant
NEWEST_FIRST: SortKey[Product] = SortKey(
    column=_p.c.created_at,
    id_column=_p.c.id,
    value=lambda product: product.created_at,
    id=lambda product: product.id,
    descending=True,
)
LISTED = (_p.c.status == ProductStatus.PUBLISHED) & _p.c.seller_active
"""What buyers find. The indexes of lists are partial by just this condition."""


async def add_product(session: AsyncSession, product: Product, variants: Sequence[Variant]) -> None:
    session.add(product)
    # The classes know no relationship, so their order is ours to keep.
    await session.flush()
    session.add_all(variants)


async def get_seller_of_product(session: AsyncSession, product_id: UUID) -> UUID:
    """Raises ProductNotFound, also where row-level security hides it."""
    seller_id: UUID | None = await session.scalar(select(_p.c.seller_id).where(_p.c.id == product_id))
    if seller_id is None:
        raise ProductNotFound
    return seller_id


async def get_product_of_variant(session: AsyncSession, variant_id: UUID, seller_id: UUID) -> UUID:
    """Raises VariantNotFound, also where it is another seller's."""
    own = (_v.c.id == variant_id) & (_v.c.seller_id == seller_id)
    product_id: UUID | None = await session.scalar(select(_v.c.product_id).where(own))
    if product_id is None:
        raise VariantNotFound
    return product_id


async def get_for_update(session: AsyncSession, product_id: UUID) -> Product:
    """The product, locked until the transaction ends; its variants change only under this lock. Raises ProductNotFound."""
    found = await session.scalar(select(Product).where(_p.c.id == product_id).with_for_update())
    if found is None:
        raise ProductNotFound
    return found


async def list_variants(session: AsyncSession, product_id: UUID) -> Sequence[Variant]:
    found = await session.scalars(select(Variant).where(_v.c.product_id == product_id).order_by(_v.c.position))
    return found.all()


async def find_taken_sku(session: AsyncSession, seller_id: UUID, skus: Sequence[str]) -> str | None:
    """One of these SKUs that the seller uses already; sound only under the seller's lock."""
    return await session.scalar(select(_v.c.sku).where(_v.c.seller_id == seller_id, _v.c.sku.in_(skus)).limit(1))


async def products_by_id(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, Product]:
    found = await session.scalars(select(Product).where(_p.c.id.in_(ids)))
    return {product.id: product for product in found}


async def variants_by_id(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, Variant]:
    found = await session.scalars(select(Variant).where(_v.c.id.in_(ids)))
    return {variant.id: variant for variant in found}


async def variants_by_product(session: AsyncSession, product_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Variant]]:
    """All variants of each product, at most MAX_VARIANTS, in their order."""
    statement = select(Variant).where(_v.c.product_id.in_(product_ids)).order_by(_v.c.product_id, _v.c.position)
    variants: dict[UUID, list[Variant]] = {}
    for variant in await session.scalars(statement):
        variants.setdefault(variant.product_id, []).append(variant)
    return variants


async def product_pages_by_seller(
    session: AsyncSession, seller_ids: Sequence[UUID], request: PageRequest
) -> Mapping[UUID, Page[Product]]:
    """What buyers find of each seller, newest first."""
    statement = select(Product).where(_p.c.seller_id.in_(seller_ids), LISTED)
    return await fetch_pages(
        session, statement, NEWEST_FIRST, request, parent=_p.c.seller_id, parent_of=lambda product: product.seller_id
    )


async def product_pages_by_category(
    session: AsyncSession, category_ids: Sequence[UUID], request: PageRequest
) -> Mapping[UUID, Page[Product]]:
    """What buyers find directly in each category, newest first."""
    statement = select(Product).where(_p.c.category_id.in_(category_ids), LISTED)
    return await fetch_pages(session, statement, NEWEST_FIRST, request, parent=_p.c.category_id, parent_of=_category_of)


async def product_counts_by_seller(session: AsyncSession, seller_ids: Sequence[UUID]) -> Mapping[UUID, int]:
    rows = await session.execute(
        select(_p.c.seller_id, func.count()).where(_p.c.seller_id.in_(seller_ids), LISTED).group_by(_p.c.seller_id)
    )
    return {seller_id: count for seller_id, count in rows}  # noqa: C416 — a Row is a tuple at run time only.


async def product_counts_by_category(session: AsyncSession, category_ids: Sequence[UUID]) -> Mapping[UUID, int]:
    rows = await session.execute(
        select(_p.c.category_id, func.count())
        .where(_p.c.category_id.in_(category_ids), LISTED)
        .group_by(_p.c.category_id)
    )
    return {category_id: count for category_id, count in rows}  # noqa: C416 — as above.


def _category_of(product: Product) -> UUID:
    if product.category_id is None:
        raise ValueError(f"product {product.id} has no category")
    return product.category_id

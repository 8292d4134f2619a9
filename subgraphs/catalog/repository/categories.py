"""SQL of the category tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Select, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db.keyset import Page, PageRequest, SortKey, fetch_page, fetch_pages
from subgraphs.catalog import models
from subgraphs.catalog.domain.attributes import AttributeDefinition
from subgraphs.catalog.domain.category import Category
from subgraphs.catalog.errors import CategoryNotFound

_t = models.category
BY_NAME: SortKey[Category] = SortKey(
    column=_t.c.name, id_column=_t.c.id, value=lambda category: category.name, id=lambda category: category.id
)


async def get(session: AsyncSession, category_id: UUID, *, field: str = "categoryId") -> Category:
    """Raises CategoryNotFound at that input field."""
    found = await session.get(Category, category_id)
    if found is None:
        raise CategoryNotFound(field)
    return found


async def find_by_slug(session: AsyncSession, slug: str) -> Category | None:
    return await session.scalar(select(Category).where(_t.c.slug == slug))


async def list_definitions(session: AsyncSession, category_id: UUID) -> Sequence[AttributeDefinition]:
    """What the category and those above it define, from the root down. Raises CategoryNotFound."""
    category = await get(session, category_id)
    line = await session.scalars(select(Category).where(_t.c.id.in_(category.line)).order_by(_t.c.depth))
    return [definition for ancestor in line for definition in ancestor.attributes]


async def lock_tree(session: AsyncSession) -> None:
    """Categories are made one at a time, so that a slug is seen to be free."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('catalog.category'))"))


async def categories_by_id(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, Category]:
    found = await session.scalars(select(Category).where(_t.c.id.in_(ids)))
    return {category.id: category for category in found}


async def category_pages_by_parent(
    session: AsyncSession, parent_ids: Sequence[UUID], request: PageRequest
) -> Mapping[UUID, Page[Category]]:
    """The categories right below each, by name."""
    statement = select(Category).where(_t.c.parent_id.in_(parent_ids))
    return await fetch_pages(session, statement, BY_NAME, request, parent=_t.c.parent_id, parent_of=_parent_of)


async def category_counts_by_parent(session: AsyncSession, parent_ids: Sequence[UUID]) -> Mapping[UUID, int]:
    rows = await session.execute(
        select(_t.c.parent_id, func.count()).where(_t.c.parent_id.in_(parent_ids)).group_by(_t.c.parent_id)
    )
    return {parent_id: count for parent_id, count in rows}  # noqa: C416 — a Row is a tuple at run time only.


async def list_categories(session: AsyncSession, parent_id: UUID | None, request: PageRequest) -> Page[Category]:
    """The roots, or the categories right below one, by name."""
    return await fetch_page(session, _below(parent_id), BY_NAME, request)


async def count_categories(session: AsyncSession, parent_id: UUID | None) -> int:
    return await session.scalar(select(func.count()).select_from(_below(parent_id).subquery())) or 0


def _below(parent_id: UUID | None) -> Select[Category]:
    return select(Category).where(_t.c.parent_id.is_not_distinct_from(parent_id))


def _parent_of(category: Category) -> UUID:
    if category.parent_id is None:
        raise ValueError(f"category {category.id} is a root")
    return category.parent_id

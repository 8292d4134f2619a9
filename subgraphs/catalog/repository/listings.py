"""SQL of lists and searches: filter, sort, page, count, facets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import BigInteger, ColumnElement, Select, func, literal, literal_column, or_, select, tuple_
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import ARRAY, REGCONFIG, TSVECTOR, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import with_expression

from shared.db.keyset import Page, PageRequest, SortKey, fetch_page
from subgraphs.catalog import models
from subgraphs.catalog.domain.commands import ProductCriteria
from subgraphs.catalog.domain.product import Product
from subgraphs.catalog.domain.search import (
    PRICE_BOUNDS,
    CategoryCount,
    Facets,
    PriceCount,
    ProductSort,
    price_range,
)
from subgraphs.catalog.repository.products import LISTED, NEWEST_FIRST

_p, _s, _c = models.product, models.product_search, models.category
_LANGUAGE = sql_cast(literal("english"), REGCONFIG)
# Postgres' one-byte "char" has no name in SQLAlchemy: these constants are written out.
_MOST: ColumnElement[str] = literal_column("'A'")
_MORE: ColumnElement[str] = literal_column("'B'")
_LEAST: ColumnElement[str] = literal_column("'C'")
_TYPO_TOLERANCE = "0.4"
"""How alike a title's closest words must be (pg_trgm's word similarity): one slip in a word of six letters passes."""


def _by(column: ColumnElement[Any], name: str, *, descending: bool = False) -> SortKey[Product]:
    return SortKey(
        column=column,
        id_column=_p.c.id,
        value=lambda product: getattr(product, name),
        id=lambda product: product.id,
        descending=descending,
    )


_SORT_KEYS: dict[ProductSort, SortKey[Product]] = {
    ProductSort.NEWEST: NEWEST_FIRST,
    ProductSort.PRICE_ASC: _by(_p.c.price_min, "price_min"),
    ProductSort.PRICE_DESC: _by(_p.c.price_min, "price_min", descending=True),
    ProductSort.TITLE: _by(_p.c.title, "title"),
    ProductSort.RATING: _by(_p.c.rating, "rating", descending=True),
}


def listing(criteria: ProductCriteria) -> Select[Product]:
    """What the criteria select; without a status, what buyers find."""
    conditions: list[ColumnElement[bool]] = [LISTED if criteria.status is None else _p.c.status.in_(criteria.status)]
    if criteria.category_id is not None:
        root = _c.alias("root")
        below = select(_c.c.id).join(root, func.starts_with(_c.c.path, root.c.path))
        conditions.append(_p.c.category_id.in_(below.where(root.c.id == criteria.category_id)))
    if criteria.seller_id is not None:
        conditions.append(_p.c.seller_id == criteria.seller_id)
    if criteria.price_min is not None:
        conditions.append(_p.c.price_max >= criteria.price_min)
    if criteria.price_max is not None:
        conditions.append(_p.c.price_min <= criteria.price_max)
    if criteria.currency is not None:
        conditions.append(_p.c.currency == criteria.currency)
    if criteria.in_stock is not None:
        conditions.append(_p.c.in_stock.is_(criteria.in_stock))
    if criteria.min_rating is not None:
        conditions.append(_p.c.rating >= round(criteria.min_rating * 100))
    return select(Product).where(*conditions)


@dataclass(frozen=True, slots=True)
class Search:
    """Words a person typed, the criteria they must also meet, and an order; None is by relevance."""

    text: str
    criteria: ProductCriteria
    sort: ProductSort | None = None


async def list_products(
    session: AsyncSession, criteria: ProductCriteria, sort: ProductSort, request: PageRequest
) -> Page[Product]:
    return await fetch_page(session, listing(criteria), _SORT_KEYS[sort], request)


async def count_products(session: AsyncSession, criteria: ProductCriteria) -> int:
    return await session.scalar(select(func.count()).select_from(listing(criteria).subquery())) or 0


async def search_products(session: AsyncSession, search: Search, request: PageRequest) -> Page[Product]:
    """Two statements: the tolerance of this transaction, and the page."""
    await _tolerate_typos(session)
    relevance = _relevance(search.text)
    statement = hits(search).options(with_expression(cast("Any", Product).relevance, relevance))
    by_relevance = _by(relevance, "relevance", descending=True)
    key = by_relevance if search.sort is None else _SORT_KEYS[search.sort]
    return await fetch_page(session, statement, key, request)


async def count_hits(session: AsyncSession, search: Search) -> int:
    await _tolerate_typos(session)
    return await session.scalar(select(func.count()).select_from(hits(search).subquery())) or 0


async def count_facets(session: AsyncSession, search: Search) -> Facets:
    """All facets by one pass over the hits (grouping sets)."""
    await _tolerate_typos(session)
    bounds = sql_cast(literal(list(PRICE_BOUNDS), ARRAY(BigInteger)), ARRAY(BigInteger))
    found = (
        hits(search)
        .with_only_columns(
            _p.c.category_id, _p.c.currency, func.width_bucket(_p.c.price_min, bounds).label("bucket"), _p.c.in_stock
        )
        .subquery()
        .c
    )
    sets = func.grouping_sets(tuple_(found.category_id), tuple_(found.currency, found.bucket), tuple_(found.in_stock))
    columns = (found.category_id, found.currency, found.bucket, found.in_stock)
    rows = (await session.execute(select(*columns, func.count().label("hits")).group_by(sets))).all()
    stock = {row.in_stock: row.hits for row in rows if row.in_stock is not None}
    return Facets(
        categories=tuple(
            CategoryCount(row.category_id, row.hits)
            for row in sorted(rows, key=lambda row: (-row.hits, str(row.category_id)))
            if row.category_id is not None
        ),
        prices=tuple(
            PriceCount(row.currency, *price_range(row.bucket), row.hits)
            for row in sorted((row for row in rows if row.currency), key=lambda row: (row.currency, row.bucket))
        ),
        in_stock=stock.get(True, 0),
        out_of_stock=stock.get(False, 0),
    )


def hits(search: Search) -> Select[Product]:
    """Products whose text has the words, or whose title comes near them in spelling."""
    has_words = _s.c.document.op("@@", is_comparison=True)(_words(search.text))
    is_near = func.fold(search.text).op("<%", is_comparison=True)(_s.c.title)
    return listing(search.criteria).join_from(_p, _s, _s.c.product_id == _p.c.id).where(or_(has_words, is_near))


async def index_product(session: AsyncSession, product: Product) -> None:
    """Make a published product found by its title (most), its attributes and its description (least)."""
    document = (
        _weighted(product.title, _MOST)
        .concat(_weighted(" ".join(attribute.value for attribute in product.attributes), _MORE))
        .concat(_weighted(product.description, _LEAST))
    )
    values = {"title": func.fold(product.title), "document": document}
    statement = insert(_s).values(product_id=product.id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=[_s.c.product_id], set_=values))


async def remove_from_index(session: AsyncSession, product: Product) -> None:
    await session.execute(_s.delete().where(_s.c.product_id == product.id))


def _weighted(text: str, weight: ColumnElement[str]) -> ColumnElement[Any]:
    vector = func.to_tsvector(_LANGUAGE, func.fold(text))
    return func.setweight(vector, weight, type_=TSVECTOR)


def _words(text: str) -> ColumnElement[Any]:
    return func.websearch_to_tsquery(_LANGUAGE, func.fold(text))


def _relevance(text: str) -> ColumnElement[int]:
    """The words' weight in the text and how near the title comes, in whole millionths: a cursor holds them exactly."""
    folded = func.fold(text)
    near = func.word_similarity(folded, _s.c.title) + func.similarity(folded, _s.c.title)
    return sql_cast((func.ts_rank(_s.c.document, _words(text)) + near) * 1_000_000, BigInteger)


async def _tolerate_typos(session: AsyncSession) -> None:
    # The operator `<%` can use the index but reads its threshold from this setting; it ends with the transaction.
    await session.execute(select(func.set_config("pg_trgm.word_similarity_threshold", _TYPO_TOLERANCE, True)))

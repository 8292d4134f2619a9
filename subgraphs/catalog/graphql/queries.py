"""Reads of catalog."""

from __future__ import annotations

import strawberry
from strawberry.federation.schema_directives import Cost

from shared.auth.actor import Actor
from shared.commands import validate
from shared.db.keyset import PageRequest
from shared.db.scope import Scope
from shared.errors import Forbidden, InvalidInput
from shared.graphql.caching import FACTS, LISTS
from shared.graphql.context import input_values
from shared.graphql.types import PAGED, Connection, connection, parse_id
from subgraphs.catalog.domain.commands import ProductCriteria, SearchQuery
from subgraphs.catalog.graphql.context import Info
from subgraphs.catalog.graphql.enums import ProductSort
from subgraphs.catalog.graphql.inputs import ProductFilter
from subgraphs.catalog.graphql.search import ProductSearch, product_search
from subgraphs.catalog.graphql.types import Category, Product
from subgraphs.catalog.repository import categories, listings


@strawberry.type
class Query:
    @strawberry.field(
        directives=[FACTS], description="One product that can be bought; for its seller and staff in any state."
    )
    async def product(self, info: Info, id: strawberry.ID) -> Product | None:
        found = await info.context.product_by_id.load(parse_id(id))
        viewer = info.context.viewer
        if found is None or not (found.is_listed or viewer.is_staff or found.seller_id == viewer.seller_id):
            return None
        return Product.of(found)

    @strawberry.field(
        directives=[LISTS, PAGED],
        description="Products that can be bought; with filter.status your own, or any for staff.",
    )
    async def products(
        self,
        info: Info,
        filter: ProductFilter | None = None,
        sort: ProductSort = ProductSort.NEWEST,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Product]:
        criteria = _criteria(filter)
        scope, read = Scope.PUBLIC, info.context.read
        if criteria.status is not None:
            criteria, scope = _own(criteria, info.context.actor), info.context.viewer.scope()
            read = info.context.report
        request = PageRequest.of(first, after, last, before)
        page = await read(lambda session: listings.list_products(session, criteria, sort, request), scope)

        async def count() -> int:
            return await read(lambda session: listings.count_products(session, criteria), scope)

        return connection(page, Product.of, count)

    @strawberry.field(
        directives=[LISTS, PAGED, Cost(weight=50)],
        description="Products that can be bought, by words of their text; a slip of the pen in a title is forgiven.",
    )
    async def search(
        self,
        info: Info,
        query: str,
        *,
        filter: ProductFilter | None = None,
        sort: ProductSort | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> ProductSearch:
        criteria = _criteria(filter)
        if criteria.status is not None:
            raise InvalidInput("INVALID_INPUT", "A search finds what can be bought.", field=("filter", "status"))
        search = listings.Search(validate(SearchQuery, {"text": query}).text, criteria, sort)
        request = PageRequest.of(first, after, last, before)
        async with info.context.database.read(Scope.PUBLIC) as session:
            page = await listings.search_products(session, search, request)
        return product_search(info.context, search, page)

    @strawberry.field(directives=[LISTS, PAGED], description="The root categories, or those right below one, by name.")
    async def categories(
        self,
        info: Info,
        parent_id: strawberry.ID | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Category]:
        parent = parse_id(parent_id, field="parentId") if parent_id else None
        request = PageRequest.of(first, after, last, before)
        async with info.context.database.read(Scope.PUBLIC) as session:
            page = await categories.list_categories(session, parent, request)

        async def count() -> int:
            async with info.context.database.read(Scope.PUBLIC) as session:
                return await categories.count_categories(session, parent)

        return connection(page, Category.of, count)

    @strawberry.field(directives=[FACTS], description="One category, by its id or by its slug.")
    async def category(self, info: Info, id: strawberry.ID | None = None, slug: str | None = None) -> Category | None:
        if (id is None) == (slug is None):
            raise InvalidInput("INVALID_INPUT", "Give either id or slug.", field=("id",))
        if id is not None:
            found = await info.context.category_by_id.load(parse_id(id))
        else:
            async with info.context.database.read(Scope.PUBLIC) as session:
                found = await categories.find_by_slug(session, str(slug))
        return Category.of(found) if found else None


def _criteria(filter: ProductFilter | None) -> ProductCriteria:
    """Raises InvalidFields."""
    return validate(ProductCriteria, input_values(filter) if filter else {})


def _own(criteria: ProductCriteria, actor: Actor) -> ProductCriteria:
    """Any state may be asked for by staff, and by a seller among its own products. Raises Unauthenticated, Forbidden."""
    if actor.is_staff:
        return criteria
    seller_id = actor.require_seller()
    if criteria.seller_id not in (None, seller_id):
        raise Forbidden
    return criteria.model_copy(update={"seller_id": seller_id})

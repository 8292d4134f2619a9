"""What a search answers beside its hits: counts by category, price and stock."""

from __future__ import annotations

from uuid import UUID

import strawberry

from shared.db.keyset import Page
from shared.db.scope import Scope
from shared.graphql.types import Connection, Money, connection
from subgraphs.catalog.domain import product as product_domain
from subgraphs.catalog.domain import search as search_domain
from subgraphs.catalog.graphql.context import CatalogContext, Info
from subgraphs.catalog.graphql.types import Category, Product
from subgraphs.catalog.repository import listings


@strawberry.type(description="How many hits lie directly in a category.")
class CategoryFacet:
    count: int = strawberry.field(description="How many hits.")
    category_id: strawberry.Private[UUID]

    @strawberry.field(description="The category.")
    async def category(self, info: Info) -> Category | None:
        found = await info.context.category_by_id.load(self.category_id)
        return Category.of(found) if found else None


@strawberry.type(description="How many hits start at a price of this range.")
class PriceFacet:
    min: Money = strawberry.field(description="From this price on.")
    max: Money | None = strawberry.field(description="Below this price; null where the range is open.")
    count: int = strawberry.field(description="How many hits.")

    @classmethod
    def of(cls, price: search_domain.PriceCount) -> PriceFacet:
        return cls(
            min=Money.cents(price.start, price.currency),
            max=Money.cents(price.end, price.currency) if price.end is not None else None,
            count=price.count,
        )


@strawberry.type(description="Counts over all hits of a search, whatever page is looked at.")
class SearchFacets:
    categories: list[CategoryFacet] = strawberry.field(description="By category, most hits first.")
    prices: list[PriceFacet] = strawberry.field(description="By currency and lowest price; empty ranges are left out.")
    in_stock: int = strawberry.field(description="Hits that can be bought now.")
    out_of_stock: int = strawberry.field(description="Hits that cannot be bought now.")

    @classmethod
    def of(cls, facets: search_domain.Facets) -> SearchFacets:
        return cls(
            categories=[CategoryFacet(count=c.count, category_id=c.category_id) for c in facets.categories],
            prices=[PriceFacet.of(price) for price in facets.prices],
            in_stock=facets.in_stock,
            out_of_stock=facets.out_of_stock,
        )


@strawberry.type(description="One page of a search's hits, and counts over all of them.")
class ProductSearch(Connection[Product]):
    search: strawberry.Private[listings.Search]

    @strawberry.field(description="Counts over all hits; counted only when asked for.")
    async def facets(self, info: Info) -> SearchFacets:
        async with info.context.database.read(Scope.PUBLIC) as session:
            return SearchFacets.of(await listings.count_facets(session, self.search))


def product_search(
    context: CatalogContext, search: listings.Search, page: Page[product_domain.Product]
) -> ProductSearch:
    async def count() -> int:
        async with context.database.read(Scope.PUBLIC) as session:
            return await listings.count_hits(session, search)

    hits = connection(page, Product.of, count)
    return ProductSearch(edges=hits.edges, page_info=hits.page_info, count=count, search=search)

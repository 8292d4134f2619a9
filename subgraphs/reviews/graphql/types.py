"""The types that reviews adds to the graph: its own Review, and what it knows of products, sellers and users."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from shared.db.keyset import PageRequest
from shared.graphql.caching import FACTS, LISTS
from shared.graphql.types import PAGED, Connection, Node, UserError, connection
from subgraphs.reviews import domain
from subgraphs.reviews.errors import ReviewsErrorCode
from subgraphs.reviews.graphql.context import Info

strawberry.enum(domain.ReviewStatus, description="Where a review stands in moderation.")
strawberry.enum(ReviewsErrorCode, name="ErrorCode", description="Why a mutation was refused.")


@strawberry.federation.type(keys=["id"], description="A person with an account.")
class User:
    id: strawberry.ID = strawberry.field(description="UUID v4.")


@strawberry.type(description="What buyers think, over all published reviews.")
class Rating:
    count: int = strawberry.field(description="How many published reviews there are.")
    average: float | None = strawberry.field(description="Mean of the stars, 1 to 5; null without a review.")

    @classmethod
    def of(cls, rating: domain.Rating | None) -> Rating:
        known = rating or domain.UNRATED
        return cls(count=known.count, average=known.average)


@strawberry.federation.type(keys=["id"], description="A buyer's opinion of a product they have received.")
class Review(Node):
    rating: int = strawberry.field(directives=[FACTS], description="Stars, 1 to 5.")
    title: str = strawberry.field(directives=[FACTS], description="One line.")
    body: str = strawberry.field(directives=[FACTS], description="The review's text; may be empty.")
    status: domain.ReviewStatus = strawberry.field(directives=[FACTS], description="Where it stands in moderation.")
    reply: str | None = strawberry.field(directives=[FACTS], description="The seller's answer.")
    created_at: datetime = strawberry.field(directives=[FACTS], description="When it was submitted.")
    author: User = strawberry.field(directives=[FACTS], description="Who wrote it.")
    product: Product = strawberry.field(directives=[FACTS], description="What it is about.")

    @classmethod
    def of(cls, review: domain.Review) -> Review:
        return cls(
            id=strawberry.ID(str(review.id)),
            rating=review.rating,
            title=review.title,
            body=review.body,
            status=review.status,
            reply=review.reply,
            created_at=review.created_at,
            author=User(id=strawberry.ID(str(review.author_id))),
            product=Product(id=strawberry.ID(str(review.product_id))),
        )

    @classmethod
    async def resolve_references(cls, info: Info, references: list[dict[str, Any]]) -> Sequence[Review | None]:
        found = await info.context.review_by_id.load_many([UUID(reference["id"]) for reference in references])
        return [cls.of(review) if review else None for review in found]


@strawberry.federation.type(keys=["id"], description="Something that is sold.")
class Product:
    id: strawberry.ID = strawberry.field(description="UUID v4.")

    @strawberry.field(directives=[FACTS], description="What buyers think of this product.")
    async def rating(self, info: Info) -> Rating:
        return Rating.of(await info.context.rating_by_product.load(UUID(self.id)))

    @strawberry.field(directives=[LISTS, PAGED], description="Published reviews, newest first.")
    async def reviews(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Review]:
        page = await info.context.reviews_by_product.load((UUID(self.id), PageRequest.of(first, after, last, before)))

        async def count() -> int:
            rating = await info.context.rating_by_product.load(UUID(self.id))
            return rating.count if rating else 0

        return connection(page, Review.of, count)


@strawberry.federation.type(keys=["id"], description="A business that sells on the marketplace.")
class Seller:
    id: strawberry.ID = strawberry.field(description="UUID v4.")

    @strawberry.field(directives=[FACTS], description="What buyers think of all products of this seller.")
    async def rating(self, info: Info) -> Rating:
        return Rating.of(await info.context.rating_by_seller.load(UUID(self.id)))


@strawberry.type(description="What a mutation of a review answers.")
class ReviewPayload:
    review: Review | None = strawberry.field(description="The review after the change.")
    user_errors: list[UserError[ReviewsErrorCode]] = strawberry.field(description="Why it was refused; empty if not.")

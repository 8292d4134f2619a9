"""Reads of reviews."""

from __future__ import annotations

import strawberry

from shared.auth.actor import Role
from shared.db.keyset import PageRequest
from shared.graphql.caching import FACTS
from shared.graphql.types import PAGED_FORWARD, Connection, connection, parse_id
from subgraphs.reviews import domain, repository
from subgraphs.reviews.graphql.context import Info
from subgraphs.reviews.graphql.types import Review


@strawberry.type
class Query:
    @strawberry.field(directives=[FACTS], description="One review, if you may see it.")
    async def review(self, info: Info, id: strawberry.ID) -> Review | None:
        found = await info.context.review_by_id.load(parse_id(id))
        return Review.of(found) if found else None

    @strawberry.field(
        directives=[PAGED_FORWARD], description="Reviews that wait for a moderator, newest first (support, admin)."
    )
    async def moderation_queue(
        self, info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[Review]:
        context = info.context
        context.actor.require_role(Role.SUPPORT, Role.ADMIN)
        pending, request = domain.ReviewStatus.PENDING, PageRequest.of(first, after)
        page = await context.report(lambda session: repository.review_page(session, pending, request))

        async def count() -> int:
            return await context.report(lambda session: repository.count_reviews(session, pending))

        return connection(page, Review.of, count)

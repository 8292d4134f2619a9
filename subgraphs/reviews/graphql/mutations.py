"""Writes of reviews."""

from __future__ import annotations

from uuid import UUID

import strawberry

from shared.db.idempotency import Outcome
from shared.graphql.types import user_errors
from subgraphs.reviews.errors import ReviewsErrorCode
from subgraphs.reviews.graphql.context import Info
from subgraphs.reviews.graphql.inputs import ModerateReviewInput, ReplyToReviewInput, SubmitReviewInput
from subgraphs.reviews.graphql.types import Review, ReviewPayload


@strawberry.type
class Mutation:
    @strawberry.mutation(description="Review a product that was delivered to you. Moderators publish it.")
    async def submit_review(self, info: Info, input: SubmitReviewInput) -> ReviewPayload:
        return await _payload(info, await info.context.write("submitReview", input, info.context.service.submit_review))

    @strawberry.mutation(description="Publish or reject a pending review (support, admin).")
    async def moderate_review(self, info: Info, input: ModerateReviewInput) -> ReviewPayload:
        return await _payload(
            info, await info.context.write("moderateReview", input, info.context.service.moderate_review)
        )

    @strawberry.mutation(description="Answer a review of your product (seller).")
    async def reply_to_review(self, info: Info, input: ReplyToReviewInput) -> ReviewPayload:
        return await _payload(
            info, await info.context.write("replyToReview", input, info.context.service.reply_to_review)
        )


async def _payload(info: Info, outcome: Outcome) -> ReviewPayload:
    review_id = outcome.ids.get("review")
    review = await info.context.review_by_id.load(UUID(review_id)) if review_id else None
    return ReviewPayload(
        review=Review.of(review) if review else None, user_errors=user_errors(outcome, ReviewsErrorCode)
    )

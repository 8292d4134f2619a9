"""What clients send; each input names the pydantic model it must pass."""

from __future__ import annotations

from typing import ClassVar

import strawberry

from shared.commands import Input
from subgraphs.reviews import domain

strawberry.enum(domain.Verdict, description="What a moderator decides.")

KEY = "Chosen by the client, unique per attempt to write: the same key never acts twice."


@strawberry.input(description="A review of a product that was received.")
class SubmitReviewInput:
    command: ClassVar[type[Input]] = domain.SubmitReview
    idempotency_key: str = strawberry.field(description=KEY)
    product_id: strawberry.ID = strawberry.field(description="The product.")
    rating: int = strawberry.field(description="Stars, 1 to 5.")
    title: str = strawberry.field(description="One line, up to 120 characters.")
    body: str = strawberry.field(default="", description="Up to 5000 characters.")


@strawberry.input(description="A moderator's decision about a pending review.")
class ModerateReviewInput:
    command: ClassVar[type[Input]] = domain.ModerateReview
    idempotency_key: str = strawberry.field(description=KEY)
    review_id: strawberry.ID = strawberry.field(description="The review.")
    verdict: domain.Verdict = strawberry.field(description="Publish or reject.")
    reason: str = strawberry.field(default="", description="Why, for the author and the audit log.")


@strawberry.input(description="A seller's answer to a review of its product.")
class ReplyToReviewInput:
    command: ClassVar[type[Input]] = domain.ReplyToReview
    idempotency_key: str = strawberry.field(description=KEY)
    review_id: strawberry.ID = strawberry.field(description="The review.")
    text: str = strawberry.field(description="Up to 5000 characters.")

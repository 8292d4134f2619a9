"""The rules of reviews: what may be said, and how a review moves from pending to published or rejected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.commands import Command
from subgraphs.reviews.errors import ReviewAlreadyModerated, ReviewNotPublished

Stars = Annotated[int, Field(ge=1, le=5)]


class ReviewStatus(StrEnum):
    PENDING = "PENDING"
    PUBLISHED = "PUBLISHED"
    REJECTED = "REJECTED"


class Verdict(StrEnum):
    PUBLISH = "PUBLISH"
    REJECT = "REJECT"


class SubmitReview(Command):
    product_id: UUID
    rating: Stars
    title: Annotated[str, Field(min_length=1, max_length=120)]
    body: Annotated[str, Field(max_length=5000)] = ""


class ModerateReview(Command):
    review_id: UUID
    verdict: Verdict
    reason: Annotated[str, Field(max_length=500)] = ""


class ReplyToReview(Command):
    review_id: UUID
    text: Annotated[str, Field(min_length=1, max_length=5000)]


@dataclass(eq=False)
class Review:
    """One buyer's opinion of one product. `version` grows with each change and orders its events."""

    id: UUID
    product_id: UUID
    seller_id: UUID
    author_id: UUID
    rating: int
    title: str
    body: str
    status: ReviewStatus
    reply: str | None
    version: int
    created_at: datetime

    def publish(self) -> None:
        """Raises ReviewAlreadyModerated."""
        self._moderate(ReviewStatus.PUBLISHED)

    def reject(self) -> None:
        """Raises ReviewAlreadyModerated."""
        self._moderate(ReviewStatus.REJECTED)

    def answer(self, text: str) -> None:
        """Raises ReviewNotPublished."""
        if self.status is not ReviewStatus.PUBLISHED:
            raise ReviewNotPublished
        self.reply = text
        self.version += 1

    def _moderate(self, status: ReviewStatus) -> None:
        if self.status is not ReviewStatus.PENDING:
            raise ReviewAlreadyModerated
        self.status = status
        self.version += 1


@dataclass(frozen=True, slots=True)
class DeliveredLine:
    """A line that reached its buyer: the right to review its product."""

    line_id: UUID
    buyer_id: UUID
    product_id: UUID
    seller_id: UUID
    delivered_at: datetime


@dataclass(frozen=True, slots=True)
class ProductRating:
    """A product's rating after a change; `version` orders the changes."""

    product_id: UUID
    rating: Rating
    version: int


@dataclass(frozen=True, slots=True)
class Rating:
    """How many published reviews there are and the sum of their stars."""

    count: int
    sum: int

    @property
    def average(self) -> float | None:
        """Rounded to a hundredth for display; None without a review."""
        return round(self.sum / self.count, 2) if self.count else None


UNRATED = Rating(count=0, sum=0)

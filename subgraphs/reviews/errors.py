"""Why reviews refuses."""

from __future__ import annotations

from enum import StrEnum

from shared.errors import Conflict, NotFound


class ReviewsErrorCode(StrEnum):
    INVALID_INPUT = "INVALID_INPUT"
    PRODUCT_NOT_RECEIVED = "PRODUCT_NOT_RECEIVED"
    ALREADY_REVIEWED = "ALREADY_REVIEWED"
    REVIEW_NOT_FOUND = "REVIEW_NOT_FOUND"
    REVIEW_ALREADY_MODERATED = "REVIEW_ALREADY_MODERATED"
    REVIEW_NOT_PUBLISHED = "REVIEW_NOT_PUBLISHED"
    OWN_REVIEW = "OWN_REVIEW"


class ProductNotReceived(Conflict):
    def __init__(self) -> None:
        super().__init__(
            ReviewsErrorCode.PRODUCT_NOT_RECEIVED,
            "Only a buyer who has received this product may review it.",
            field=("productId",),
        )


class AlreadyReviewed(Conflict):
    def __init__(self) -> None:
        super().__init__(
            ReviewsErrorCode.ALREADY_REVIEWED, "You have reviewed this product already.", field=("productId",)
        )


class ReviewNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(ReviewsErrorCode.REVIEW_NOT_FOUND, "There is no such review.", field=("reviewId",))


class ReviewAlreadyModerated(Conflict):
    def __init__(self) -> None:
        super().__init__(ReviewsErrorCode.REVIEW_ALREADY_MODERATED, "This review was published or rejected before.")


class ReviewNotPublished(Conflict):
    def __init__(self) -> None:
        super().__init__(ReviewsErrorCode.REVIEW_NOT_PUBLISHED, "Only a published review can be answered.")


class OwnReview(Conflict):
    def __init__(self) -> None:
        super().__init__(ReviewsErrorCode.OWN_REVIEW, "Somebody else has to decide about your own review.")

"""What reviews tells the others. Payloads carry ids and figures, never a review's text."""

from __future__ import annotations

from uuid import UUID

from shared.messaging.contract import JSON, DomainEvent
from subgraphs.reviews.domain import ProductRating, Review


def review_submitted(review: Review) -> DomainEvent:
    return _event("submitted", review, author_id=str(review.author_id), rating=review.rating)


def review_published(review: Review, product: ProductRating, *, actor_id: UUID) -> DomainEvent:
    figures: dict[str, JSON] = {"count": product.rating.count, "sum": product.rating.sum, "version": product.version}
    return _event("published", review, rating=review.rating, product_rating=figures, actor_id=str(actor_id))


def review_rejected(review: Review, *, actor_id: UUID, reason: str) -> DomainEvent:
    return _event("rejected", review, actor_id=str(actor_id), reason=reason)


def _event(what: str, review: Review, **more: JSON) -> DomainEvent:
    payload: dict[str, JSON] = {
        "review_id": str(review.id),
        "product_id": str(review.product_id),
        "seller_id": str(review.seller_id),
        **more,
    }
    return DomainEvent(f"review.{what}", "review", review.id, review.version, payload)

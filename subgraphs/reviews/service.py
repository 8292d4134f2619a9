"""The use cases of reviews. Each works inside the one transaction it is given and never commits."""

from __future__ import annotations

from shared.auth.actor import Actor, Role
from shared.clock import Clock
from shared.db.database import UnitOfWork
from shared.db.idempotency import Outcome
from shared.ids import new_id
from shared.messaging.outbox import Outbox
from subgraphs.reviews import events, repository
from subgraphs.reviews.domain import ModerateReview, ReplyToReview, Review, ReviewStatus, SubmitReview, Verdict
from subgraphs.reviews.errors import AlreadyReviewed, OwnReview, ProductNotReceived, ReviewNotFound


class ReviewsService:
    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock

    async def submit_review(self, uow: UnitOfWork, actor: Actor, command: SubmitReview) -> Outcome:
        """A buyer of a delivered line reviews its product, once. Raises ProductNotReceived, AlreadyReviewed."""
        author_id = actor.require_user()
        line = await repository.find_delivered_line(uow.session, author_id, command.product_id)
        if line is None:
            raise ProductNotReceived
        review = Review(
            id=new_id(),
            product_id=command.product_id,
            seller_id=line.seller_id,
            author_id=author_id,
            rating=command.rating,
            title=command.title,
            body=command.body,
            status=ReviewStatus.PENDING,
            reply=None,
            version=1,
            created_at=self._clock(),
        )
        if not await repository.add_review(uow.session, review):
            raise AlreadyReviewed
        await self._outbox.append(uow, events.review_submitted(review))
        return Outcome.of(review=review.id)

    async def moderate_review(self, uow: UnitOfWork, actor: Actor, command: ModerateReview) -> Outcome:
        """Staff publishes or rejects a pending review. Raises ReviewNotFound, OwnReview, ReviewAlreadyModerated."""
        actor.require_role(Role.SUPPORT, Role.ADMIN)
        actor_id = actor.require_user()
        review = await repository.get_for_update(uow.session, command.review_id)
        if review.author_id == actor_id:
            raise OwnReview
        match command.verdict:
            case Verdict.PUBLISH:
                review.publish()
                rating = await repository.count_into_rating(uow.session, review)
                event = events.review_published(review, rating, actor_id=actor_id)
            case Verdict.REJECT:
                review.reject()
                event = events.review_rejected(review, actor_id=actor_id, reason=command.reason)
        await self._outbox.append(uow, event)
        return Outcome.of(review=review.id)

    async def reply_to_review(self, uow: UnitOfWork, actor: Actor, command: ReplyToReview) -> Outcome:
        """The seller answers a published review of its product. Raises ReviewNotFound for any other, ReviewNotPublished."""
        seller_id = actor.require_seller()
        review = await repository.get_for_update(uow.session, command.review_id)
        if review.seller_id != seller_id:
            raise ReviewNotFound
        review.answer(command.text)
        return Outcome.of(review=review.id)

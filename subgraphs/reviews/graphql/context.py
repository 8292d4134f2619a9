"""One request's view of reviews: its service and its loaders."""

from __future__ import annotations

from strawberry.types import Info as StrawberryInfo

from shared.auth.actor import Actor
from shared.db.database import Database
from shared.graphql.context import RequestContext
from shared.graphql.loaders import batch_loader, page_loader
from shared.graphql.writes import Writes
from subgraphs.reviews import repository
from subgraphs.reviews.service import ReviewsService


class ReviewsContext(RequestContext):
    def __init__(self, actor: Actor, database: Database, writes: Writes, service: ReviewsService) -> None:
        super().__init__(actor, database, writes)
        self.service = service
        self.review_by_id = batch_loader(self, repository.reviews_by_id)
        self.rating_by_product = batch_loader(self, repository.ratings_by_product)
        self.rating_by_seller = batch_loader(self, repository.ratings_by_seller)
        self.reviews_by_product = page_loader(self, repository.review_pages_by_product)


Info = StrawberryInfo[ReviewsContext, None]

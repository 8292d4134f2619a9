"""Composition root of reviews."""

from __future__ import annotations

from functools import partial

from shared.runtime.subgraph import Resources, Subgraph
from subgraphs.reviews.consumers import consumers
from subgraphs.reviews.graphql.context import ReviewsContext
from subgraphs.reviews.graphql.schema import schema
from subgraphs.reviews.service import ReviewsService
from subgraphs.reviews.settings import ReviewsSettings

SETTINGS = ReviewsSettings


def build(resources: Resources[ReviewsSettings]) -> Subgraph:
    service = ReviewsService(resources.outbox, resources.clock)
    context = partial(ReviewsContext, database=resources.database, writes=resources.writes, service=service)
    return Subgraph(schema=schema, context=context, consumers=consumers())

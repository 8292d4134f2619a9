"""The schema of the reviews subgraph."""

from __future__ import annotations

from shared.graphql.schema import SubgraphSchema
from subgraphs.reviews.graphql.mutations import Mutation
from subgraphs.reviews.graphql.queries import Query
from subgraphs.reviews.graphql.types import Product, Review, Seller, User

schema = SubgraphSchema(query=Query, mutation=Mutation, types=[Product, Review, Seller, User])

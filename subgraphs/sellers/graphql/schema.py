"""The schema of the sellers subgraph."""

from __future__ import annotations

from shared.graphql.schema import SubgraphSchema
from subgraphs.sellers.graphql.mutations import Mutation
from subgraphs.sellers.graphql.queries import Query
from subgraphs.sellers.graphql.types import Seller, User

schema = SubgraphSchema(query=Query, mutation=Mutation, types=[Seller, User])

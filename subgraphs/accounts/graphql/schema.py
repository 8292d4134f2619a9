"""The schema of the accounts subgraph."""

from __future__ import annotations

from shared.graphql.schema import SubgraphSchema
from subgraphs.accounts.graphql.mutations import Mutation
from subgraphs.accounts.graphql.queries import Query
from subgraphs.accounts.graphql.types import Address, Seller, User

schema = SubgraphSchema(query=Query, mutation=Mutation, types=[Address, Seller, User])

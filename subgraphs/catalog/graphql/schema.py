"""The schema of the catalog subgraph."""

from __future__ import annotations

from shared.graphql.schema import SubgraphSchema
from subgraphs.catalog.graphql.mutations import Mutation
from subgraphs.catalog.graphql.queries import Query
from subgraphs.catalog.graphql.types import Category, Product, Seller, Variant

schema = SubgraphSchema(query=Query, mutation=Mutation, types=[Category, Product, Seller, Variant])

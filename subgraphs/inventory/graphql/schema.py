"""The schema of the inventory subgraph."""

from __future__ import annotations

from shared.graphql.schema import SubgraphSchema
from subgraphs.inventory.graphql.mutations import Mutation
from subgraphs.inventory.graphql.queries import Query
from subgraphs.inventory.graphql.subscriptions import Subscription
from subgraphs.inventory.graphql.types import Product, StockLocation, Variant

schema = SubgraphSchema(
    query=Query, mutation=Mutation, subscription=Subscription, types=[Product, StockLocation, Variant]
)

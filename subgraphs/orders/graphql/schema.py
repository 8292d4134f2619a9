"""The schema of the orders subgraph."""

from __future__ import annotations

from shared.graphql.schema import SubgraphSchema
from subgraphs.orders.graphql.mutations import Mutation
from subgraphs.orders.graphql.queries import Query
from subgraphs.orders.graphql.subscriptions import Subscription
from subgraphs.orders.graphql.types.cart import Cart
from subgraphs.orders.graphql.types.foreign import Product, Variant
from subgraphs.orders.graphql.types.orders import Order, OrderGroup, Seller, User

schema = SubgraphSchema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[Cart, Order, OrderGroup, Product, Seller, User, Variant],
)

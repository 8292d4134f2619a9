"""The schema of the notifications subgraph."""

from __future__ import annotations

from shared.graphql.schema import SubgraphSchema
from subgraphs.notifications.graphql.mutations import Mutation
from subgraphs.notifications.graphql.queries import Query
from subgraphs.notifications.graphql.subscriptions import Subscription
from subgraphs.notifications.graphql.types import Notification, Order, OrderGroup, User

schema = SubgraphSchema(
    query=Query, mutation=Mutation, subscription=Subscription, types=[Notification, Order, OrderGroup, User]
)

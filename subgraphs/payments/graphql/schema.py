"""The schema of the payments subgraph."""

from __future__ import annotations

from shared.graphql.schema import SubgraphSchema
from subgraphs.payments.graphql.ledger_types import Payout, Seller
from subgraphs.payments.graphql.mutations import Mutation
from subgraphs.payments.graphql.queries import Query
from subgraphs.payments.graphql.types import Order, OrderGroup, Payment, Refund

schema = SubgraphSchema(query=Query, mutation=Mutation, types=[Order, OrderGroup, Payment, Payout, Refund, Seller])

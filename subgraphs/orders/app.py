"""Composition root of orders."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from shared.runtime.subgraph import Job, Resources, Subgraph
from subgraphs.orders.consumers import consumers
from subgraphs.orders.graphql.context import OrdersContext, Services
from subgraphs.orders.graphql.schema import schema
from subgraphs.orders.jobs import ExpireOverdueGroups
from subgraphs.orders.service.carts import CartService
from subgraphs.orders.service.checkout import CheckoutService
from subgraphs.orders.service.figures import measure_checkouts
from subgraphs.orders.service.orders import OrderService
from subgraphs.orders.service.saga import CheckoutSaga, SagaNotes
from subgraphs.orders.service.watching import OrderWatch
from subgraphs.orders.settings import OrdersSettings

SETTINGS = OrdersSettings


def build(resources: Resources[OrdersSettings]) -> Subgraph:
    settings, outbox, clock = resources.settings, resources.outbox, resources.clock
    watch = OrderWatch(resources.notes)
    saga = CheckoutSaga(outbox, clock, watch, settings.max_payment_attempts)
    services = Services(
        carts=CartService(clock),
        checkout=CheckoutService(outbox, clock, watch, settings.checkout_deadline),
        orders=OrderService(outbox, clock, watch),
        saga=saga,
    )
    context = partial(
        OrdersContext,
        database=resources.database,
        writes=resources.writes,
        services=services,
        hub=resources.hub,
    )
    expiry = Job(
        name="expire overdue groups",
        every=timedelta(seconds=settings.expiry_interval_seconds),
        run=ExpireOverdueGroups(resources.database, saga).run,
    )
    figures = Job("measure checkouts", timedelta(seconds=10), partial(measure_checkouts, resources.database, clock))
    return Subgraph(schema=schema, context=context, consumers=consumers(saga, SagaNotes(watch)), jobs=(expiry, figures))

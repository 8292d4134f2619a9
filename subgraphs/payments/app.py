"""Composition root of payments."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from shared.runtime.subgraph import Job, Resources, Subgraph
from subgraphs.payments.adapters.webhook import PATH, webhook_route
from subgraphs.payments.consumers import consumers
from subgraphs.payments.graphql.context import PaymentsContext
from subgraphs.payments.graphql.schema import schema
from subgraphs.payments.service.figures import LedgerFigures, measure_provider_work
from subgraphs.payments.service.payments import PaymentsService
from subgraphs.payments.service.payouts import PayoutsService
from subgraphs.payments.service.refunds import RefundsService
from subgraphs.payments.service.settlement import Settlement
from subgraphs.payments.settings import PaymentsSettings

SETTINGS = PaymentsSettings


def build(resources: Resources[PaymentsSettings]) -> Subgraph:
    outbox, clock, settings = resources.outbox, resources.clock, resources.settings
    provider = settings.provider()
    refunds = RefundsService(outbox, clock)
    payments = PaymentsService(outbox, clock, refunds)
    payouts = PayoutsService(outbox, clock, hold=timedelta(days=settings.hold_days))
    settlement = Settlement(resources.database, provider, clock, payments=payments, refunds=refunds, payouts=payouts)
    context = partial(
        PaymentsContext,
        database=resources.database,
        writes=resources.writes,
        payments_service=payments,
        refunds_service=refunds,
        payouts_service=payouts,
        settlement=settlement,
    )
    return Subgraph(
        schema=schema,
        context=context,
        consumers=consumers(payments),
        jobs=(
            Job("settle", timedelta(seconds=2), settlement.run_due),
            Job("release", timedelta(minutes=1), settlement.release_due),
            Job("measure ledger", timedelta(seconds=10), LedgerFigures(resources.database, clock).measure),
            Job(
                "measure provider work",
                timedelta(seconds=10),
                partial(measure_provider_work, resources.database, clock),
            ),
        ),
        routes=(webhook_route(provider, settlement.accept),),
        exempt=frozenset({PATH}),
    )

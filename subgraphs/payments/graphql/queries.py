"""Reads of payments."""

from __future__ import annotations

import strawberry

from shared.db.keyset import PageRequest
from shared.graphql.access import SIGNED_IN
from shared.graphql.types import PAGED_FORWARD, Connection, connection, parse_id
from subgraphs.payments.graphql.context import BOOKKEEPERS, Info
from subgraphs.payments.graphql.ledger_types import (
    DEFAULT_CURRENCY,
    LedgerEntry,
    Payout,
    SellerBalance,
    TrialBalance,
    balance_of,
    payout_connection,
)
from subgraphs.payments.graphql.types import Payment
from subgraphs.payments.repository import ledger


@strawberry.type
class Query:
    @strawberry.field(description="One payment, if it is yours.")
    async def payment(self, info: Info, id: strawberry.ID) -> Payment | None:
        found = await info.context.payment_by_id.load(parse_id(id))
        return Payment.of(found) if found else None

    @strawberry.field(description="What the marketplace owes the seller you act for.")
    async def seller_balance(self, info: Info, currency: str = DEFAULT_CURRENCY) -> SellerBalance:
        return await balance_of(info, info.context.actor.require_seller(), currency)

    @strawberry.field(
        directives=[PAGED_FORWARD],
        description="Payouts, newest first: those of the seller you act for; all of them for staff.",
    )
    async def payouts(
        self,
        info: Info,
        seller_id: strawberry.ID | None = None,
        period: str | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[Payout]:
        actor = info.context.actor
        request = PageRequest.of(first, after)
        if not actor.is_staff:
            return await payout_connection(info, request, seller_id=actor.require_seller(), period=period)
        wanted = parse_id(seller_id, field="sellerId") if seller_id else None
        return await payout_connection(info, request, seller_id=wanted, period=period)

    @strawberry.field(
        directives=[SIGNED_IN, PAGED_FORWARD], description="The ledger's entries, newest first (finance)."
    )
    async def ledger(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[LedgerEntry]:
        context = info.context
        context.actor.require_role(*BOOKKEEPERS)
        request = PageRequest.of(first, after)
        page = await context.report(lambda session: ledger.entry_page(session, request))

        async def count() -> int:
            return await context.report(ledger.count_entries)

        return connection(page, LedgerEntry.of, count)

    @strawberry.field(
        directives=[SIGNED_IN], description="The ledger's balances by kind of account, which sum to zero (finance)."
    )
    async def trial_balance(self, info: Info, currency: str = DEFAULT_CURRENCY) -> TrialBalance:
        context = info.context
        context.actor.require_role(*BOOKKEEPERS)
        sums = await context.report(lambda session: ledger.trial_balance(session, currency))
        return TrialBalance.of(sums, currency)

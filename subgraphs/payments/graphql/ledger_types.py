"""The ledger, sellers' balances and payouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from shared.db.keyset import PageRequest
from shared.graphql.types import PAGED, PAGED_FORWARD, Connection, Money, Node, UserError, connection
from subgraphs.payments.domain import ledger
from subgraphs.payments.domain import payout as payout_domain
from subgraphs.payments.domain.ledger import AccountKind, EntryKind
from subgraphs.payments.domain.payout import PayoutStatus
from subgraphs.payments.errors import PaymentsErrorCode
from subgraphs.payments.graphql.context import BOOKKEEPERS, Info
from subgraphs.payments.repository import payouts as repository

strawberry.enum(AccountKind, name="LedgerAccountKind", description="What an account of the ledger is for.")
strawberry.enum(EntryKind, name="LedgerEntryKind", description="What a ledger entry books.")
strawberry.enum(PayoutStatus, description="Where a payout stands.")
DEFAULT_CURRENCY = "EUR"


@strawberry.type(description="What the marketplace owes a seller in one currency.")
class SellerBalance:
    currency: str = strawberry.field(description="ISO 4217 code.")
    pending: Money = strawberry.field(description="Earned, and held until some days after the delivery.")
    available: Money = strawberry.field(description="Paid out next. Negative where a refund came after its payout.")

    @classmethod
    def of(cls, balance: ledger.Balance) -> SellerBalance:
        currency = balance.currency
        return cls(
            currency=currency,
            pending=Money.cents(balance.pending, currency),
            available=Money.cents(balance.available, currency),
        )


async def balance_of(info: Info, seller_id: UUID, currency: str) -> SellerBalance:
    found = await info.context.balance_by_seller.load((seller_id, currency))
    return SellerBalance.of(found or ledger.Balance(currency))


@strawberry.federation.type(keys=["id"], description="A business that sells on the marketplace.")
class Seller:
    id: strawberry.ID = strawberry.field(description="UUID v4.")

    @strawberry.field(description="What the marketplace owes it: for its members and finance, null to all others.")
    async def balance(self, info: Info, currency: str = DEFAULT_CURRENCY) -> SellerBalance | None:
        actor, seller_id = info.context.actor, UUID(self.id)
        if actor.seller_id != seller_id and not actor.roles & frozenset(BOOKKEEPERS):
            return None
        return await balance_of(info, seller_id, currency)

    @strawberry.field(
        directives=[PAGED], description="Its payouts, newest first: for its members and staff, empty to all others."
    )
    async def payouts(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Payout]:
        key = UUID(self.id)
        page = await info.context.payouts_by_seller.load((key, PageRequest.of(first, after, last, before)))

        async def count() -> int:
            return await info.context.payout_count_by_seller.load(key) or 0

        return connection(page, Payout.of, count)


@strawberry.type(description="One movement of a seller's balance that a payout settles.")
class PayoutItem:
    kind: EntryKind = strawberry.field(description="What moved it.")
    reference: strawberry.ID = strawberry.field(description="The order, refund or payout behind it.")
    amount: Money = strawberry.field(description="Negative for a refund.")
    occurred_at: datetime = strawberry.field(description="When it was booked.")


@strawberry.federation.type(keys=["id"], description="Money that went to a seller, once a week and currency.")
class Payout(Node):
    seller: Seller = strawberry.field(description="Who got it.")
    period: str = strawberry.field(description="ISO week, such as 2026-W48.")
    amount: Money = strawberry.field(description="The sum of its items.")
    status: PayoutStatus = strawberry.field(description="Where it stands.")
    failure_reason: str | None = strawberry.field(description="Why the provider refused it; the balance has it back.")
    created_at: datetime = strawberry.field(description="When it was decided.")

    @classmethod
    def of(cls, payout: payout_domain.Payout) -> Payout:
        return cls(
            id=strawberry.ID(str(payout.id)),
            seller=Seller(id=strawberry.ID(str(payout.seller_id))),
            period=payout.period,
            amount=Money.of(payout.money),
            status=payout.status,
            failure_reason=payout.failure_reason,
            created_at=payout.created_at,
        )

    @classmethod
    async def resolve_references(cls, info: Info, references: list[dict[str, Any]]) -> Sequence[Payout | None]:
        found = await info.context.payout_by_id.load_many([UUID(reference["id"]) for reference in references])
        return [cls.of(payout) if payout else None for payout in found]

    @strawberry.field(directives=[PAGED], description="What it settles, oldest first.")
    async def items(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[PayoutItem]:
        key, currency = UUID(self.id), self.amount.currency
        page = await info.context.items_by_payout.load((key, PageRequest.of(first, after, last, before)))

        def item_of(item: payout_domain.PayoutItem) -> PayoutItem:
            return PayoutItem(
                kind=item.kind,
                reference=strawberry.ID(str(item.reference)),
                amount=Money.cents(item.amount, currency),
                occurred_at=item.occurred_at,
            )

        async def count() -> int:
            return await info.context.item_count_by_payout.load(key) or 0

        return connection(page, item_of, count)


async def payout_connection(
    info: Info,
    request: PageRequest,
    *,
    seller_id: UUID | None = None,
    period: str | None = None,
    run_id: UUID | None = None,
) -> Connection[Payout]:
    """Payouts, newest first, as far as row-level security shows them."""
    context = info.context
    statement = repository.select_payouts(seller_id=seller_id, period=period, run_id=run_id)
    page = await context.report(lambda session: repository.payout_page(session, statement, request))

    async def count() -> int:
        return await context.report(lambda session: repository.count(session, statement))

    return connection(page, Payout.of, count)


@strawberry.type(description="One side of a ledger entry.")
class LedgerPosting:
    account: AccountKind = strawberry.field(description="The account's kind.")
    seller: Seller | None = strawberry.field(description="Whose account it is, where every seller has one.")
    amount: Money = strawberry.field(description="Debits are positive, credits negative.")


@strawberry.type(description="An entry of the double-entry ledger: its postings sum to zero.")
class LedgerEntry:
    id: strawberry.ID = strawberry.field(description="UUID v4.")
    kind: EntryKind = strawberry.field(description="What it books.")
    reference: strawberry.ID = strawberry.field(description="The payment, refund, order or payout behind it.")
    occurred_at: datetime = strawberry.field(description="When.")
    currency: str = strawberry.field(description="ISO 4217 code.")

    @classmethod
    def of(cls, entry: ledger.JournalEntry) -> LedgerEntry:
        return cls(
            id=strawberry.ID(str(entry.id)),
            kind=entry.kind,
            reference=strawberry.ID(str(entry.reference)),
            occurred_at=entry.occurred_at,
            currency=entry.currency,
        )

    @strawberry.field(description="Debits first.")
    async def postings(self, info: Info) -> list[LedgerPosting]:
        postings = await info.context.postings_by_entry.load(UUID(self.id))
        return [
            LedgerPosting(
                account=posting.account.kind,
                seller=Seller(id=strawberry.ID(str(posting.account.seller_id))) if posting.account.seller_id else None,
                amount=Money.cents(posting.amount, self.currency),
            )
            for posting in postings or ()
        ]


@strawberry.type(description="The sum of all accounts of one kind.")
class AccountBalance:
    account: AccountKind = strawberry.field(description="The accounts' kind.")
    balance: Money = strawberry.field(description="Debits less credits.")


@strawberry.type(description="The ledger's accounts by kind: their balances sum to zero.")
class TrialBalance:
    accounts: list[AccountBalance] = strawberry.field(description="One for each kind that was ever booked on.")
    total: Money = strawberry.field(description="The sum; anything but zero is an incident.")

    @classmethod
    def of(cls, sums: Mapping[AccountKind, int], currency: str) -> TrialBalance:
        accounts = [
            AccountBalance(account=kind, balance=Money.cents(sums[kind], currency))
            for kind in AccountKind
            if kind in sums
        ]
        return cls(accounts=accounts, total=Money.cents(sum(sums.values()), currency))


@strawberry.type(description="What runPayouts answers.")
class RunPayoutsPayload:
    run_id: strawberry.ID | None = strawberry.field(description="The run; null where it was refused.")
    user_errors: list[UserError[PaymentsErrorCode]] = strawberry.field(description="Why it was refused; empty if not.")

    @strawberry.field(
        directives=[PAGED_FORWARD], description="What this run decided: who was paid in this week before is not in it."
    )
    async def payouts(
        self, info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[Payout] | None:
        if self.run_id is None:
            return None
        return await payout_connection(info, PageRequest.of(first, after), run_id=UUID(self.run_id))

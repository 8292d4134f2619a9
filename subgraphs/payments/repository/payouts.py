"""SQL of payouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db.keyset import Page, PageRequest, SortKey, fetch_page, fetch_pages
from subgraphs.payments import models
from subgraphs.payments.domain.ledger import AccountKind, EntryKind
from subgraphs.payments.domain.payout import Payout, PayoutItem

_t = models.payout
_item = models.payout_item
NEWEST_FIRST: SortKey[Payout] = SortKey(
    column=_t.c.created_at,
    id_column=_t.c.id,
    value=lambda payout: payout.created_at,
    id=lambda payout: payout.id,
    descending=True,
)
OLDEST_FIRST: SortKey[PayoutItem] = SortKey(
    column=_item.c.occurred_at,
    id_column=_item.c.posting_id,
    value=lambda item: item.occurred_at,
    id=lambda item: item.posting_id,
)


async def lock_payable_accounts(session: AsyncSession, period: str) -> Sequence[tuple[UUID, UUID, str]]:
    """(account, seller, currency) of approved sellers that have no payout in this period.

    While an account is locked nobody can book on it, nor can another run pay it.
    """
    account, seller = models.ledger_account, models.payable_seller
    paid = select(_t.c.id).where(
        _t.c.seller_id == account.c.seller_id, _t.c.currency == account.c.currency, _t.c.period == period
    )
    rows = await session.execute(
        select(account.c.id, account.c.seller_id, account.c.currency)
        .join(seller, seller.c.id == account.c.seller_id)
        .where(account.c.kind == AccountKind.SELLER_AVAILABLE, ~paid.exists())
        .order_by(account.c.id)
        .with_for_update(of=account)
    )
    return [(account_id, seller_id, currency) for account_id, seller_id, currency in rows]


async def list_unsettled(session: AsyncSession, account_id: UUID, payout_id: UUID) -> Sequence[PayoutItem]:
    """The movements of an available balance that no payout has settled, as items of a new one: they sum to the balance.

    A payout's own debit is no movement to settle; its reversal is one.
    """
    entry, posting = models.journal_entry, models.posting
    settled = select(_item.c.posting_id).where(_item.c.posting_id == posting.c.id)
    rows = await session.execute(
        select(
            posting.c.id, posting.c.seller_id, entry.c.kind, entry.c.reference, -posting.c.amount, entry.c.occurred_at
        )
        .join(entry, entry.c.id == posting.c.entry_id)
        .where(posting.c.account_id == account_id, entry.c.kind != EntryKind.PAYOUT, ~settled.exists())
        .order_by(entry.c.occurred_at, posting.c.id)
    )
    return [
        PayoutItem(
            posting_id=posting_id,
            payout_id=payout_id,
            seller_id=seller_id,
            kind=kind,
            reference=reference,
            amount=amount,
            occurred_at=occurred_at,
        )
        for posting_id, seller_id, kind, reference, amount, occurred_at in rows
    ]


async def add_payout(session: AsyncSession, payout: Payout, items: Sequence[PayoutItem]) -> None:
    session.add(payout)
    await session.flush()
    session.add_all(items)


async def lock_payout(session: AsyncSession, payout_id: UUID) -> Payout:
    statement = select(Payout).where(_t.c.id == payout_id).with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(statement)).one()


async def list_payout_ids(session: AsyncSession, run_id: UUID) -> Sequence[UUID]:
    return (await session.scalars(select(_t.c.id).where(_t.c.run_id == run_id).order_by(_t.c.id))).all()


async def payouts_by_id(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, Payout]:
    found = await session.scalars(select(Payout).where(_t.c.id.in_(ids)))
    return {payout.id: payout for payout in found}


def select_payouts(
    *, seller_id: UUID | None = None, period: str | None = None, run_id: UUID | None = None
) -> Select[Payout]:
    statement = select(Payout)
    for column, value in ((_t.c.seller_id, seller_id), (_t.c.period, period), (_t.c.run_id, run_id)):
        if value is not None:
            statement = statement.where(column == value)
    return statement


async def payout_page(session: AsyncSession, statement: Select[Payout], request: PageRequest) -> Page[Payout]:
    return await fetch_page(session, statement, NEWEST_FIRST, request)


async def count(session: AsyncSession, statement: Select[Payout]) -> int:
    return await session.scalar(select(func.count()).select_from(statement.subquery())) or 0


async def payout_pages_by_seller(
    session: AsyncSession, seller_ids: Sequence[UUID], request: PageRequest
) -> Mapping[UUID, Page[Payout]]:
    statement = select(Payout).where(_t.c.seller_id.in_(seller_ids))
    return await fetch_pages(
        session, statement, NEWEST_FIRST, request, parent=_t.c.seller_id, parent_of=lambda payout: payout.seller_id
    )


async def payout_counts_by_seller(session: AsyncSession, seller_ids: Sequence[UUID]) -> Mapping[UUID, int]:
    rows = await session.execute(
        select(_t.c.seller_id, func.count()).where(_t.c.seller_id.in_(seller_ids)).group_by(_t.c.seller_id)
    )
    return {seller_id: number for seller_id, number in rows}  # noqa: C416 — rows are no pairs to mypy.


async def item_pages_by_payout(
    session: AsyncSession, payout_ids: Sequence[UUID], request: PageRequest
) -> Mapping[UUID, Page[PayoutItem]]:
    statement = select(PayoutItem).where(_item.c.payout_id.in_(payout_ids))
    return await fetch_pages(
        session, statement, OLDEST_FIRST, request, parent=_item.c.payout_id, parent_of=lambda item: item.payout_id
    )


async def item_counts_by_payout(session: AsyncSession, payout_ids: Sequence[UUID]) -> Mapping[UUID, int]:
    rows = await session.execute(
        select(_item.c.payout_id, func.count()).where(_item.c.payout_id.in_(payout_ids)).group_by(_item.c.payout_id)
    )
    return {payout_id: number for payout_id, number in rows}  # noqa: C416 — rows are no pairs to mypy.

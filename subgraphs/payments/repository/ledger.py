"""SQL of the ledger: it books and it adds up. Postgres refuses entries that do not balance, and any change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert, select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db.keyset import Page, PageRequest, SortKey, fetch_page
from shared.ids import new_id
from subgraphs.payments import models
from subgraphs.payments.domain.ledger import Account, AccountKind, Balance, Booking, JournalEntry, Posting

_account = models.ledger_account
_entry = models.journal_entry
_posting = models.posting
NEWEST_FIRST: SortKey[JournalEntry] = SortKey(
    column=_entry.c.occurred_at,
    id_column=_entry.c.id,
    value=lambda entry: entry.occurred_at,
    id=lambda entry: entry.id,
    descending=True,
)


async def book(session: AsyncSession, booking: Booking, occurred_at: datetime) -> None:
    """Write an entry with its postings; nothing where nothing moves. A second booking of the same fact is an error."""
    if not booking.movements:
        return
    accounts = await _account_ids(session, booking.movements.keys(), booking.currency)
    entry_id = new_id()
    await session.execute(
        insert(_entry).values(
            id=entry_id,
            kind=booking.kind,
            reference=booking.reference,
            currency=booking.currency,
            occurred_at=occurred_at,
        )
    )
    # In the accounts' order: two entries that touch the same accounts wait for one another instead of meeting head-on.
    postings = [
        {
            "id": new_id(),
            "entry_id": entry_id,
            "account_id": accounts[account],
            "seller_id": account.seller_id,
            "amount": amount,
        }
        for account, amount in sorted(booking.movements.items(), key=lambda movement: accounts[movement[0]])
    ]
    await session.execute(insert(_posting), postings)


async def _account_ids(session: AsyncSession, wanted: Collection[Account], currency: str) -> Mapping[Account, UUID]:
    """Ids of the accounts, which are opened at their first use."""
    found = await _find_accounts(session, wanted, currency)
    missing = sorted(set(wanted) - found.keys(), key=lambda account: (account.kind, str(account.seller_id)))
    if not missing:
        return found
    rows = [
        {"id": new_id(), "kind": account.kind, "seller_id": account.seller_id, "currency": currency}
        for account in missing
    ]
    await session.execute(upsert(_account).values(rows).on_conflict_do_nothing())
    return await _find_accounts(session, wanted, currency)


async def _find_accounts(session: AsyncSession, wanted: Collection[Account], currency: str) -> dict[Account, UUID]:
    sellers = {account.seller_id for account in wanted if account.seller_id}
    rows = await session.execute(
        select(_account.c.id, _account.c.kind, _account.c.seller_id).where(
            _account.c.currency == currency,
            _account.c.kind.in_({account.kind for account in wanted}),
            _account.c.seller_id.is_(None) | _account.c.seller_id.in_(sellers),
        )
    )
    known = {Account(kind, seller_id): account_id for account_id, kind, seller_id in rows}
    return {account: known[account] for account in wanted if account in known}


async def balances(session: AsyncSession, keys: Sequence[tuple[UUID, str]]) -> Mapping[tuple[UUID, str], Balance]:
    """What sellers are owed, by (seller, currency): credits as positive cents."""
    rows = await session.execute(
        select(_account.c.seller_id, _account.c.currency, _account.c.kind, func.sum(_posting.c.amount))
        .join(_posting, _posting.c.account_id == _account.c.id)
        .where(tuple_(_account.c.seller_id, _account.c.currency).in_(keys))
        .group_by(_account.c.seller_id, _account.c.currency, _account.c.kind)
    )
    owed: dict[tuple[UUID, str], dict[AccountKind, int]] = defaultdict(dict)
    for seller_id, currency, kind, amount in rows:
        owed[seller_id, currency][kind] = -int(amount)
    return {
        key: Balance(key[1], by_kind.get(AccountKind.SELLER_PAYABLE, 0), by_kind.get(AccountKind.SELLER_AVAILABLE, 0))
        for key, by_kind in owed.items()
    }


async def trial_balance(session: AsyncSession, currency: str) -> Mapping[AccountKind, int]:
    """The sum of each kind of account: together they are zero."""
    rows = await session.execute(
        select(_account.c.kind, func.sum(_posting.c.amount))
        .join(_posting, _posting.c.account_id == _account.c.id)
        .where(_account.c.currency == currency)
        .group_by(_account.c.kind)
    )
    return {kind: int(amount) for kind, amount in rows}


async def trial_balances(session: AsyncSession) -> Mapping[tuple[str, AccountKind], int]:
    """The sum of each kind of account by currency. Reads an index of all postings, and no table."""
    sums = select(_posting.c.account_id, func.sum(_posting.c.amount).label("amount")).group_by(_posting.c.account_id)
    by_account = sums.subquery()
    rows = await session.execute(
        select(_account.c.currency, _account.c.kind, func.sum(by_account.c.amount))
        .join(by_account, by_account.c.account_id == _account.c.id)
        .group_by(_account.c.currency, _account.c.kind)
    )
    return {(currency, kind): int(amount) for currency, kind, amount in rows}


async def entry_page(session: AsyncSession, request: PageRequest) -> Page[JournalEntry]:
    return await fetch_page(session, select(JournalEntry), NEWEST_FIRST, request)


async def count_entries(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(_entry)) or 0


async def postings_by_entry(session: AsyncSession, entry_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Posting]]:
    rows = await session.execute(
        select(_posting.c.entry_id, _account.c.kind, _account.c.seller_id, _posting.c.amount)
        .join(_account, _account.c.id == _posting.c.account_id)
        .where(_posting.c.entry_id.in_(entry_ids))
        .order_by(_posting.c.entry_id, _posting.c.amount.desc(), _account.c.kind)
    )
    postings: dict[UUID, list[Posting]] = {}
    for entry_id, kind, seller_id, amount in rows:
        postings.setdefault(entry_id, []).append(Posting(Account(kind, seller_id), amount))
    return postings

"""SQL of commission rules and payout accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db.keyset import Page, PageRequest, SortKey, fetch_page
from subgraphs.sellers import models
from subgraphs.sellers.domain.terms import CommissionRule, PayoutAccount

_rule = models.commission_rule
_account = models.payout_account
NEWEST_FIRST: SortKey[CommissionRule] = SortKey(
    _rule.c.effective_from, _rule.c.id, value=lambda rule: rule.effective_from, id=lambda rule: rule.id, descending=True
)


async def keep_rule(session: AsyncSession, rule: CommissionRule) -> CommissionRule:
    """The rule of its seller, or of all others, as it stands after this change: its first id, its next version.

    Of two changes at once the second waits here for the first one's commit, so versions are told in their order.
    """
    new = insert(_rule).values({column.name: getattr(rule, column.name) for column in _rule.columns})
    changes = {
        "rate_bps": new.excluded.rate_bps,
        "version": _rule.c.version + 1,
        "effective_from": new.excluded.effective_from,
        "set_by": new.excluded.set_by,
    }
    statement = new.on_conflict_do_update(index_elements=[_rule.c.seller_id], set_=changes).returning(_rule)
    return CommissionRule(**(await session.execute(statement)).one()._mapping)  # noqa: SLF001 — SQLAlchemy's public name for it.


async def rules_by_seller(session: AsyncSession, seller_ids: Sequence[UUID]) -> Mapping[UUID, CommissionRule]:
    """The rule that holds for each: its own, else the one of all others."""
    statement = select(CommissionRule).where(or_(_rule.c.seller_id.in_(seller_ids), _rule.c.seller_id.is_(None)))
    rules = {rule.seller_id: rule for rule in await session.scalars(statement)}
    holding = {seller_id: rules.get(seller_id) or rules.get(None) for seller_id in seller_ids}
    return {seller_id: rule for seller_id, rule in holding.items() if rule is not None}


async def rules_by_id(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, CommissionRule]:
    return {rule.id: rule for rule in await session.scalars(select(CommissionRule).where(_rule.c.id.in_(ids)))}


async def rule_page(session: AsyncSession, request: PageRequest) -> Page[CommissionRule]:
    return await fetch_page(session, select(CommissionRule), NEWEST_FIRST, request)


async def count_rules(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(_rule)) or 0


async def keep_account(session: AsyncSession, account: PayoutAccount) -> None:
    """The seller's one account, in place of an earlier one."""
    values = {column.name: getattr(account, column.name) for column in _account.columns}
    statement = insert(_account).values(values)
    await session.execute(statement.on_conflict_do_update(index_elements=[_account.c.seller_id], set_=values))


async def forget_accounts(session: AsyncSession, seller_ids: Sequence[UUID]) -> None:
    await session.execute(delete(_account).where(_account.c.seller_id.in_(seller_ids)))


async def accounts_by_seller(session: AsyncSession, seller_ids: Sequence[UUID]) -> Mapping[UUID, PayoutAccount]:
    found = await session.scalars(select(PayoutAccount).where(_account.c.seller_id.in_(seller_ids)))
    return {account.seller_id: account for account in found}

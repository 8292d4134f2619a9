"""SQL of refunds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db.keyset import Page, PageRequest, SortKey, fetch_pages
from subgraphs.payments import models
from subgraphs.payments.domain.refund import Refund, RefundLine, RefundStatus

_t = models.refund
_line = models.refund_line
NEWEST_FIRST: SortKey[Refund] = SortKey(
    column=_t.c.created_at,
    id_column=_t.c.id,
    value=lambda refund: refund.created_at,
    id=lambda refund: refund.id,
    descending=True,
)


async def add_refund(session: AsyncSession, refund: Refund, lines: Sequence[RefundLine]) -> None:
    session.add(refund)
    await session.flush()
    session.add_all(lines)


async def find_refund_by_cause(session: AsyncSession, payment_id: UUID, cause: str) -> Refund | None:
    return await session.scalar(select(Refund).where(_t.c.payment_id == payment_id, _t.c.cause == cause))


async def get_refund(session: AsyncSession, refund_id: UUID) -> Refund:
    statement = select(Refund).where(_t.c.id == refund_id).execution_options(populate_existing=True)
    return (await session.scalars(statement)).one()


async def list_refund_lines(session: AsyncSession, refund_id: UUID) -> Sequence[RefundLine]:
    return (await session.scalars(select(RefundLine).where(_line.c.refund_id == refund_id))).all()


async def refunds_by_id(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, Refund]:
    found = await session.scalars(select(Refund).where(_t.c.id.in_(ids)))
    return {refund.id: refund for refund in found}


async def lines_by_refund(session: AsyncSession, refund_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[RefundLine]]:
    found = await session.scalars(
        select(RefundLine).where(_line.c.refund_id.in_(refund_ids)).order_by(_line.c.refund_id, _line.c.item_id)
    )
    lines: dict[UUID, list[RefundLine]] = {}
    for line in found:
        lines.setdefault(line.refund_id, []).append(line)
    return lines


async def refund_pages_by_order(
    session: AsyncSession, order_ids: Sequence[UUID], request: PageRequest
) -> Mapping[UUID, Page[Refund]]:
    """A refund of the whole group is its payment's, not that of one of its orders."""
    statement = select(Refund).where(_t.c.order_id.in_(order_ids))
    return await fetch_pages(
        session, statement, NEWEST_FIRST, request, parent=_t.c.order_id, parent_of=lambda refund: refund.get_order_id()
    )


async def refund_pages_by_payment(
    session: AsyncSession, payment_ids: Sequence[UUID], request: PageRequest
) -> Mapping[UUID, Page[Refund]]:
    statement = select(Refund).where(_t.c.payment_id.in_(payment_ids))
    return await fetch_pages(
        session, statement, NEWEST_FIRST, request, parent=_t.c.payment_id, parent_of=lambda refund: refund.payment_id
    )


async def refund_counts_by_order(session: AsyncSession, order_ids: Sequence[UUID]) -> Mapping[UUID, int]:
    rows = await session.execute(
        select(_t.c.order_id, func.count()).where(_t.c.order_id.in_(order_ids)).group_by(_t.c.order_id)
    )
    return {order_id: count for order_id, count in rows}  # noqa: C416 — rows are no pairs to mypy.


async def refund_counts_by_payment(session: AsyncSession, payment_ids: Sequence[UUID]) -> Mapping[UUID, int]:
    rows = await session.execute(
        select(_t.c.payment_id, func.count()).where(_t.c.payment_id.in_(payment_ids)).group_by(_t.c.payment_id)
    )
    return {payment_id: count for payment_id, count in rows}  # noqa: C416 — rows are no pairs to mypy.


async def promised_by_payment(session: AsyncSession, payment_ids: Sequence[UUID]) -> Mapping[UUID, int]:
    """Cents of a payment that went back or are on their way."""
    rows = await session.execute(
        select(_t.c.payment_id, func.sum(_t.c.amount))
        .where(_t.c.payment_id.in_(payment_ids), _t.c.status != RefundStatus.FAILED)
        .group_by(_t.c.payment_id)
    )
    return {payment_id: int(amount) for payment_id, amount in rows}


async def promised_by_order(session: AsyncSession, order_ids: Sequence[UUID]) -> Mapping[UUID, int]:
    """Cents of an order that went back or are on their way, with its share of refunds of the whole group."""
    rows = await session.execute(
        select(_line.c.order_id, func.sum(_line.c.amount))
        .join(_t, _t.c.id == _line.c.refund_id)
        .where(_line.c.order_id.in_(order_ids), _t.c.status != RefundStatus.FAILED)
        .group_by(_line.c.order_id)
    )
    return {order_id: int(amount) for order_id, amount in rows}

"""SQL of payments, their attempts and the provider's inbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.payments import models
from subgraphs.payments.domain.payment import OPEN_ATTEMPT, AttemptStatus, Payment, PaymentAttempt
from subgraphs.payments.errors import PaymentNotFound

_payment = models.payment
_attempt = models.payment_attempt
FRESH = {"populate_existing": True}
"""Rows that were read before a lock was taken are read anew after it."""


async def add_attempt(session: AsyncSession, payment: Payment, attempt: PaymentAttempt) -> None:
    session.add(payment)
    await session.flush()
    session.add(attempt)


async def find_payment_of_group(session: AsyncSession, group_id: UUID) -> Payment | None:
    statement = select(Payment).where(_payment.c.group_id == group_id)
    return await session.scalar(statement.execution_options(**FRESH))


async def get_payment(session: AsyncSession, payment_id: UUID) -> Payment:
    """Raises PaymentNotFound, also where row-level security hides it."""
    found = await session.scalar(select(Payment).where(_payment.c.id == payment_id).execution_options(**FRESH))
    if found is None:
        raise PaymentNotFound
    return found


async def find_attempt_by_key(session: AsyncSession, provider_key: str) -> PaymentAttempt | None:
    statement = select(PaymentAttempt).where(_attempt.c.provider_key == provider_key)
    return await session.scalar(statement.execution_options(**FRESH))


async def get_attempt(session: AsyncSession, attempt_id: UUID) -> PaymentAttempt:
    return (await session.scalars(select(PaymentAttempt).where(_attempt.c.id == attempt_id))).one()


async def find_open_attempt(session: AsyncSession, payment_id: UUID) -> PaymentAttempt | None:
    statement = select(PaymentAttempt).where(_attempt.c.payment_id == payment_id, _attempt.c.status.in_(OPEN_ATTEMPT))
    return await session.scalar(statement.execution_options(**FRESH))


async def get_captured_attempt(session: AsyncSession, payment_id: UUID) -> PaymentAttempt:
    statement = select(PaymentAttempt).where(
        _attempt.c.payment_id == payment_id, _attempt.c.status == AttemptStatus.CAPTURED
    )
    return (await session.scalars(statement)).one()


async def add_provider_event(
    session: AsyncSession,
    event_id: str,
    *,
    provider_key: str,
    state: str,
    reference: str | None,
    reason: str | None,
    received_at: datetime,
) -> bool:
    """Whether this is the first time that the provider says so."""
    statement = (
        insert(models.provider_event)
        .values(
            id=event_id,
            provider_key=provider_key,
            state=state,
            reference=reference,
            reason=reason,
            received_at=received_at,
        )
        .on_conflict_do_nothing()
        .returning(models.provider_event.c.id)
    )
    return (await session.execute(statement)).first() is not None


async def payments_by_id(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, Payment]:
    found = await session.scalars(select(Payment).where(_payment.c.id.in_(ids)))
    return {payment.id: payment for payment in found}


async def payments_by_group(session: AsyncSession, group_ids: Sequence[UUID]) -> Mapping[UUID, Payment]:
    found = await session.scalars(select(Payment).where(_payment.c.group_id.in_(group_ids)))
    return {payment.group_id: payment for payment in found}


async def payments_by_order(session: AsyncSession, order_ids: Sequence[UUID]) -> Mapping[UUID, Payment]:
    order = models.payable_order
    found = await session.execute(
        select(order.c.id, Payment)
        .join(_payment, _payment.c.group_id == order.c.group_id)
        .where(order.c.id.in_(order_ids))
    )
    return {order_id: payment for order_id, payment in found}  # noqa: C416 — rows are no pairs to mypy.

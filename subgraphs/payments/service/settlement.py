"""Brings what was decided to the provider and its answers back: claim in one transaction, call in none, record in another.

Whoever dies in between leaves a claim that falls due again. The next worker asks the provider by the same key, so one
decision is one charge, one refund, one payout.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from uuid import UUID

from shared.clock import Clock
from shared.db.database import Database
from shared.db.scope import Scope
from shared.telemetry import span_names as names
from shared.telemetry.spans import continued
from subgraphs.payments.adapters.provider import (
    Charge,
    ChargeState,
    Notice,
    PaymentProvider,
    ProviderUnavailable,
)
from subgraphs.payments.domain.payable import PayableGroup
from subgraphs.payments.domain.payment import Payment, PaymentAttempt, PaymentStatus
from subgraphs.payments.domain.payout import Payout
from subgraphs.payments.domain.refund import Refund
from subgraphs.payments.repository import payables, payments, payouts
from subgraphs.payments.repository.due import Due, claim_due, claim_new
from subgraphs.payments.service.payments import PaymentsService
from subgraphs.payments.service.payouts import PayoutsService
from subgraphs.payments.service.refunds import RefundsService

log = logging.getLogger(__name__)

BATCH = 100
"""How much one run of a job does at most of each kind; the rest is due in the next."""


class Settlement:
    def __init__(
        self,
        database: Database,
        provider: PaymentProvider,
        clock: Clock,
        *,
        payments: PaymentsService,
        refunds: RefundsService,
        payouts: PayoutsService,
    ) -> None:
        self._database = database
        self._provider = provider
        self._clock = clock
        self._payments = payments
        self._refunds = refunds
        self._payouts = payouts

    async def charge(self, attempt_id: UUID) -> None:
        """The first call for an attempt; a repeated request finds it claimed and leaves it alone."""
        await self._settle_new(PaymentAttempt, attempt_id, self._charge)

    async def refund(self, refund_id: UUID) -> None:
        await self._settle_new(Refund, refund_id, self._refund)

    async def pay_out(self, run_id: UUID) -> None:
        """The first call for each payout of a run."""
        async with self._database.read(Scope.ALL) as session:
            payout_ids = await payouts.list_payout_ids(session, run_id)
        for payout_id in payout_ids:
            await self._settle_new(Payout, payout_id, self._pay_out)

    async def ask(self, attempt_id: UUID) -> None:
        """See how an attempt stands at the provider, and take that over."""
        async with self._database.read(Scope.ALL) as session:
            attempt = await payments.get_attempt(session, attempt_id)
        if not attempt.open:
            return
        try:
            charge = await self._provider.find_charge(attempt.provider_key, attempt.provider_reference)
        except ProviderUnavailable as problem:
            log.warning("provider unavailable", extra={"problem": str(problem)})
            return
        if charge is not None:
            await self._record(charge)

    async def accept(self, notice: Notice) -> None:
        """A verified webhook: stored and applied in one transaction, once."""
        if notice.charge is None:
            return
        async with self._database.unit_of_work(Scope.ALL) as uow:
            await self._payments.record_charge(uow, notice.id, notice.charge)

    async def run_due(self) -> None:
        """The job: everything that fell due, each piece by one worker."""
        await self._settle_due(PaymentAttempt, self._charge)
        await self._settle_due(Refund, self._refund)
        await self._settle_due(Payout, self._pay_out)

    async def release_due(self) -> None:
        """The job: orders whose hold is over, each in a transaction of its own."""
        for _ in range(BATCH):
            async with self._database.unit_of_work(Scope.ALL) as uow:
                if not await self._payouts.release_next(uow):
                    return

    async def _settle_new(self, kind: type[Due], row_id: UUID, settle: Callable[[Due], Awaitable[None]]) -> None:
        async with self._database.unit_of_work(Scope.ALL) as uow:
            claimed = await claim_new(uow.session, kind, row_id, self._clock())
        if claimed is not None:
            await _unless_unavailable(settle, claimed)

    async def _settle_due(self, kind: type[Due], settle: Callable[[Due], Awaitable[None]]) -> None:
        for _ in range(BATCH):
            async with self._database.unit_of_work(Scope.ALL) as uow:
                claimed = await claim_due(uow.session, kind, self._clock())
            if claimed is None:
                return
            try:
                await _unless_unavailable(settle, claimed)
            except Exception:
                # One piece that cannot be settled must not keep the others waiting; it is due again later.
                log.exception("could not settle", extra={"kind": kind.__name__, "id": str(claimed.id)})

    async def _charge(self, attempt: PaymentAttempt) -> None:
        async with self._database.read(Scope.ALL) as session:
            payment = await payments.get_payment(session, attempt.payment_id)
            group = await payables.find_group(session, payment.group_id)
        assert group is not None
        with continued(names.SETTLE, group.traceparent):
            await self._record(await self._charged(attempt, payment, group))

    async def _charged(self, attempt: PaymentAttempt, payment: Payment, group: PayableGroup) -> Charge:
        """What the provider answers for an attempt."""
        key, reference = attempt.provider_key, attempt.provider_reference
        if group.closed or payment.status is PaymentStatus.CAPTURED:
            # What is dead is not to be paid any more, nor is what an earlier attempt has paid after all.
            return await self._provider.void(key, reference) or Charge(key, ChargeState.VOIDED)
        if payment.amount == 0:
            return Charge(key, ChargeState.CAPTURED)
        # `tries` counts this one: from the second on, an earlier call may have come through.
        known = await self._provider.find_charge(key, reference) if attempt.tries > 1 else None
        return known or await self._provider.authorize_and_capture(key, payment.money, attempt.method)

    async def _refund(self, refund: Refund) -> None:
        async with self._database.read(Scope.ALL) as session:
            charged = await payments.get_captured_attempt(session, refund.payment_id)
            group = await payables.find_group(session, refund.group_id)
        with continued(names.SETTLE, group.traceparent if group else None):
            transfer = await self._provider.refund(
                str(refund.id),
                refund.money,
                charge_key=charged.provider_key,
                charge_reference=charged.provider_reference,
                reference=refund.provider_reference,
            )
            async with self._database.unit_of_work(Scope.ALL) as uow:
                await self._refunds.record(uow, refund.id, refund.group_id, transfer)

    async def _pay_out(self, payout: Payout) -> None:
        transfer = await self._provider.pay_out(
            str(payout.id), payout.money, seller_id=payout.seller_id, reference=payout.provider_reference
        )
        async with self._database.unit_of_work(Scope.ALL) as uow:
            await self._payouts.record(uow, payout.id, transfer)

    async def _record(self, charge: Charge) -> None:
        # A direct answer passes through the same inbox as the webhook that says the same.
        async with self._database.unit_of_work(Scope.ALL) as uow:
            await self._payments.record_charge(uow, f"answer:{charge.key}:{charge.state}", charge)


async def _unless_unavailable(settle: Callable[[Due], Awaitable[None]], claimed: Due) -> None:
    try:
        await settle(claimed)
    except ProviderUnavailable as problem:
        log.warning("provider unavailable", extra={"id": str(claimed.id), "problem": str(problem)})

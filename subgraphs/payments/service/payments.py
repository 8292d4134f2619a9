"""The use cases of payments: start one, take over what the provider says, end what is dead.

An attempt is committed before the provider is called for it and the answer comes in by a transaction of its own, so that
no crash can lose a charge, and none is made twice.
"""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from shared.auth.actor import Actor
from shared.clock import Clock
from shared.db.database import UnitOfWork
from shared.db.idempotency import Outcome
from shared.ids import new_id
from shared.messaging.outbox import Outbox
from shared.telemetry import span_names as names
from shared.telemetry.spans import continued
from subgraphs.payments import events
from subgraphs.payments.adapters.provider import Charge, ChargeState
from subgraphs.payments.domain import ledger
from subgraphs.payments.domain.commands import ConfirmPayment, StartPayment
from subgraphs.payments.domain.payable import GroupState, PayableGroup, PayableOrder
from subgraphs.payments.domain.payment import (
    AttemptStatus,
    Payment,
    PaymentAttempt,
    PaymentStatus,
    provider_key,
)
from subgraphs.payments.errors import OrderGroupNotFound, PaymentNotFound
from subgraphs.payments.repository import ledger as journal
from subgraphs.payments.repository import payables, payments
from subgraphs.payments.repository.due import FIRST_RETRY
from subgraphs.payments.service.refunds import RefundsService

log = logging.getLogger(__name__)


class PaymentsService:
    def __init__(self, outbox: Outbox, clock: Clock, refunds: RefundsService) -> None:
        self._outbox = outbox
        self._clock = clock
        self._refunds = refunds

    async def start_payment(self, uow: UnitOfWork, actor: Actor, command: StartPayment) -> Outcome:
        """The buyer's next attempt to pay a group. Raises OrderGroupNotFound, AlreadyPaid, PaymentInProgress, NotPayable."""
        buyer_id = actor.require_user()
        visible = await payables.find_group(uow.session, command.order_group_id)
        if visible is None or visible.buyer_id != buyer_id:
            raise OrderGroupNotFound
        await payables.act_for_platform(uow.session)
        group = await payables.lock_group(uow.session, visible.id)
        assert group is not None
        payment = await payments.find_payment_of_group(uow.session, group.id)
        if payment is not None:
            payment.begin_attempt()
        # After the payment: who has paid in time is told so, also when the time is over.
        group.require_payable(self._clock())
        payment = payment or self._payment_of(group)
        attempt = self._attempt_of(payment, command.payment_method)
        await payments.add_attempt(uow.session, payment, attempt)
        return Outcome.of(payment=payment.id, attempt=attempt.id)

    async def confirm_payment(self, uow: UnitOfWork, actor: Actor, command: ConfirmPayment) -> Outcome:
        """Which attempt of the buyer's payment is to be asked after, if one is open. Raises PaymentNotFound."""
        payment = await payments.get_payment(uow.session, command.payment_id)
        if payment.buyer_id != actor.require_user():
            raise PaymentNotFound
        await payables.act_for_platform(uow.session)
        attempt = await payments.find_open_attempt(uow.session, payment.id)
        return Outcome.of(payment=payment.id, attempt=attempt.id if attempt else None)

    async def record_charge(self, uow: UnitOfWork, notice_id: str, charge: Charge) -> None:
        """The provider's inbox: answers and webhooks alike, each once and in any order."""
        fresh = await payments.add_provider_event(
            uow.session,
            notice_id,
            provider_key=charge.key,
            state=charge.state,
            reference=charge.reference,
            reason=charge.reason,
            received_at=self._clock(),
        )
        known = await payments.find_attempt_by_key(uow.session, charge.key) if fresh else None
        if known is None:
            return
        payment = await payments.get_payment(uow.session, known.payment_id)
        group = await payables.lock_group(uow.session, payment.group_id)
        attempt = await payments.find_attempt_by_key(uow.session, charge.key)
        assert group is not None
        assert attempt is not None
        with continued(names.SETTLE, group.traceparent):
            await self._apply(uow, group, await payments.get_payment(uow.session, payment.id), attempt, charge)

    async def close_group(
        self, uow: UnitOfWork, group_id: UUID, buyer_id: UUID, state: GroupState, *, version: int
    ) -> None:
        """A group was cancelled or has expired: nothing more is paid, and what was paid goes back."""
        await payables.close_group(uow.session, group_id, buyer_id, state, version)
        await payables.lock_group(uow.session, group_id)
        payment = await payments.find_payment_of_group(uow.session, group_id)
        if payment is None:
            return
        match payment.status:
            case PaymentStatus.CAPTURED:
                await self._refunds.refund_group_rest(uow, payment, await payables.list_orders(uow.session, group_id))
            case PaymentStatus.FAILED:
                await self._void(uow, payment)
            case PaymentStatus.PENDING | PaymentStatus.AUTHORIZED:
                # Only the provider knows whether the money is still to come: the worker voids it there, now.
                attempt = await payments.find_open_attempt(uow.session, payment.id)
                if attempt is not None:
                    attempt.due_at = self._clock()
            case PaymentStatus.VOIDED:
                pass

    async def cancel_order(self, uow: UnitOfWork, order: PayableOrder, cancelled_at: datetime) -> None:
        """One seller's order was cancelled: its share goes back, now or once it is paid."""
        await payables.lock_group(uow.session, order.group_id)
        await payables.mark_order(uow.session, order, cancelled_at=cancelled_at)
        payment = await payments.find_payment_of_group(uow.session, order.group_id)
        if payment is not None and payment.status is PaymentStatus.CAPTURED:
            await self._refund_dead_orders(uow, payment)

    async def _apply(
        self, uow: UnitOfWork, group: PayableGroup, payment: Payment, attempt: PaymentAttempt, charge: Charge
    ) -> None:
        if payment.status is PaymentStatus.CAPTURED:
            self._apply_beside_capture(attempt, charge)
            return
        attempt.provider_reference = charge.reference or attempt.provider_reference
        attempt.reason = charge.reason
        match charge.state:
            case ChargeState.CAPTURED:
                attempt.status = AttemptStatus.CAPTURED
                await self._capture(uow, group, payment)
            case ChargeState.PROCESSING if attempt.status is AttemptStatus.PENDING:
                attempt.status = AttemptStatus.AUTHORIZED
                payment.authorize()
                await self._outbox.append(uow, events.payment_authorized(payment))
            case ChargeState.DECLINED if attempt.open:
                attempt.status = AttemptStatus.DECLINED
                await self._decline(uow, group, payment, charge.reason or "declined")
            case ChargeState.VOIDED if attempt.open:
                attempt.status = AttemptStatus.VOIDED
                await self._void(uow, payment)

    def _apply_beside_capture(self, attempt: PaymentAttempt, charge: Charge) -> None:
        """News of an attempt of a payment that is captured already, mostly by this very attempt."""
        match charge.state:
            case ChargeState.CAPTURED if attempt.status is not AttemptStatus.CAPTURED:
                # It had told us that this attempt was over. Money of nobody's order: a person must look.
                log.error("captured twice by the provider", extra={"provider_key": charge.key})
            case ChargeState.DECLINED if attempt.open:
                attempt.status = AttemptStatus.DECLINED
            case ChargeState.VOIDED if attempt.open:
                attempt.status = AttemptStatus.VOIDED

    async def _capture(self, uow: UnitOfWork, group: PayableGroup, payment: Payment) -> None:
        now = self._clock()
        payment.capture(now)
        orders = await payables.list_orders(uow.session, group.id)
        items = await payables.list_items(uow.session, [order.id for order in orders])
        await journal.book(uow.session, ledger.capture(payment.id, payment.currency, items), now)
        await self._outbox.append(uow, events.payment_captured(payment, captured_at=now))
        if group.closed:
            await self._refunds.refund_group_rest(uow, payment, orders)
        else:
            await self._refund_dead_orders(uow, payment)

    async def _refund_dead_orders(self, uow: UnitOfWork, payment: Payment) -> None:
        for order in await payables.list_orders(uow.session, payment.group_id):
            if order.cancelled_at is not None:
                await self._refunds.refund_order_rest(uow, payment, order)

    async def _decline(self, uow: UnitOfWork, group: PayableGroup, payment: Payment, reason: str) -> None:
        payment.fail(reason)
        await self._outbox.append(uow, events.payment_failed(payment, reason=reason))
        if group.closed:
            await self._void(uow, payment)

    async def _void(self, uow: UnitOfWork, payment: Payment) -> None:
        payment.void()
        await self._outbox.append(uow, events.payment_voided(payment))

    def _payment_of(self, group: PayableGroup) -> Payment:
        return Payment(
            id=new_id(),
            group_id=group.id,
            buyer_id=group.buyer_id,
            amount=group.total,
            currency=group.currency,
            status=PaymentStatus.PENDING,
            attempt=1,
            failure_reason=None,
            captured_at=None,
            version=0,
            created_at=self._clock(),
        )

    def _attempt_of(self, payment: Payment, method: str) -> PaymentAttempt:
        now = self._clock()
        return PaymentAttempt(
            id=new_id(),
            payment_id=payment.id,
            number=payment.attempt,
            provider_key=provider_key(payment.id, payment.attempt),
            method=method,
            status=AttemptStatus.PENDING,
            provider_reference=None,
            reason=None,
            tries=0,
            # The request that made it calls the provider first; a worker only looks after what it left.
            due_at=now + FIRST_RETRY,
            created_at=now,
        )

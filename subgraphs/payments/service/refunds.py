"""The use cases of refunds. A refund is decided here; the provider is called for it outside of any transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from shared.auth.actor import Actor, Role
from shared.clock import Clock
from shared.db.database import UnitOfWork
from shared.db.idempotency import Outcome
from shared.ids import new_id
from shared.messaging.outbox import Outbox
from subgraphs.payments import events
from subgraphs.payments.adapters.provider import Transfer, TransferState
from subgraphs.payments.domain import ledger
from subgraphs.payments.domain.commands import RefundOrder
from subgraphs.payments.domain.payable import PayableOrder
from subgraphs.payments.domain.payment import Payment, PaymentStatus
from subgraphs.payments.domain.refund import (
    Part,
    Refund,
    RefundReason,
    RefundStatus,
    give_back,
    parts_of_amount,
    parts_of_lines,
    take,
)
from subgraphs.payments.errors import NotPaid, OrderNotFound
from subgraphs.payments.repository import ledger as journal
from subgraphs.payments.repository import payables, payments, refunds
from subgraphs.payments.repository.due import FIRST_RETRY


class RefundsService:
    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock

    async def refund_order(self, uow: UnitOfWork, actor: Actor, command: RefundOrder) -> Outcome:
        """Staff or the order's seller gives back all that is left of it, a part, or some lines.

        Raises OrderNotFound, NotPaid, LineNotFound, RefundExceedsPayment.
        """
        actor.require_role(Role.SUPPORT, Role.FINANCE, Role.ADMIN, Role.SELLER)
        order = await payables.get_order(uow.session, command.order_id)
        if not actor.is_staff and order.seller_id != actor.require_seller():
            raise OrderNotFound
        await payables.act_for_platform(uow.session)
        await payables.lock_group(uow.session, order.group_id)
        payment = await payments.find_payment_of_group(uow.session, order.group_id)
        if payment is None or payment.status is not PaymentStatus.CAPTURED:
            raise NotPaid
        orders = [o for o in await payables.list_orders(uow.session, order.group_id) if o.id == order.id]
        items = await payables.list_items(uow.session, [order.id])
        if command.lines is None:
            parts = parts_of_amount(command.amount, items)
        else:
            parts = parts_of_lines([(line.line_id, line.amount) for line in command.lines], items)
        refund_id = new_id()
        refund = self._refund(
            refund_id,
            payment,
            parts,
            order=order,
            actor_id=actor.require_user(),
            reason=command.reason,
            cause=f"request:{refund_id}",
            # The request that asked for it calls the provider first; a worker only looks after what it left.
            due_at=self._clock() + FIRST_RETRY,
        )
        await self._promise(uow, refund, parts, orders)
        return Outcome.of(refund=refund.id)

    async def refund_order_rest(self, uow: UnitOfWork, payment: Payment, order: PayableOrder) -> None:
        """One seller's order was cancelled after the payment: what is left of it goes back. The group is locked."""
        cause = f"cancelled:{order.id}"
        await self._refund_rest(uow, payment, [order], order=order, reason=RefundReason.ORDER_CANCELLED, cause=cause)

    async def refund_group_rest(self, uow: UnitOfWork, payment: Payment, orders: Sequence[PayableOrder]) -> None:
        """Money came for a group that is dead: all that is left goes back. The group is locked."""
        await self._refund_rest(uow, payment, orders, order=None, reason=RefundReason.LATE_CAPTURE, cause="closed")

    async def record(self, uow: UnitOfWork, refund_id: UUID, group_id: UUID, transfer: Transfer) -> None:
        """Take over what the provider says of a refund; what is settled stays as it is."""
        await payables.lock_group(uow.session, group_id)
        refund = await refunds.get_refund(uow.session, refund_id)
        if refund.status is not RefundStatus.PENDING:
            return
        match transfer.state:
            case TransferState.PROCESSING:
                refund.provider_reference = transfer.reference
            case TransferState.SUCCEEDED:
                await self._succeed(uow, refund, transfer)
            case TransferState.FAILED:
                await self._fail(uow, refund, transfer)

    async def _refund_rest(
        self,
        uow: UnitOfWork,
        payment: Payment,
        orders: Sequence[PayableOrder],
        *,
        order: PayableOrder | None,
        reason: RefundReason,
        cause: str,
    ) -> None:
        items = await payables.list_items(uow.session, [o.id for o in orders])
        if not any(item.remaining for item in items):
            return
        if await refunds.find_refund_by_cause(uow.session, payment.id, cause):
            return
        parts = parts_of_amount(None, items)
        refund = self._refund(
            new_id(), payment, parts, order=order, actor_id=None, reason=reason, cause=cause, due_at=self._clock()
        )
        await self._promise(uow, refund, parts, orders)

    def _refund(
        self,
        refund_id: UUID,
        payment: Payment,
        parts: Sequence[Part],
        *,
        order: PayableOrder | None,
        actor_id: UUID | None,
        reason: RefundReason,
        cause: str,
        due_at: datetime,
    ) -> Refund:
        return Refund(
            id=refund_id,
            payment_id=payment.id,
            group_id=payment.group_id,
            order_id=order.id if order else None,
            buyer_id=payment.buyer_id,
            seller_id=order.seller_id if order else None,
            actor_id=actor_id,
            amount=sum(amount for _, amount in parts),
            currency=payment.currency,
            reason=reason,
            cause=cause,
            status=RefundStatus.PENDING,
            provider_reference=None,
            failure_reason=None,
            tries=0,
            due_at=due_at,
            version=0,
            created_at=self._clock(),
        )

    async def _promise(
        self, uow: UnitOfWork, refund: Refund, parts: Sequence[Part], orders: Sequence[PayableOrder]
    ) -> None:
        """From now on nobody else can have these cents: not another refund, not a payout."""
        lines = [take(refund.id, item, amount) for item, amount in parts]
        await refunds.add_refund(uow.session, refund, lines)
        booking = ledger.refund_owed(refund, lines, _released(orders))
        await journal.book(uow.session, booking, self._clock())

    async def _succeed(self, uow: UnitOfWork, refund: Refund, transfer: Transfer) -> None:
        refund.succeed(transfer.reference)
        lines = await refunds.list_refund_lines(uow.session, refund.id)
        await journal.book(uow.session, ledger.refund_paid(refund), self._clock())
        told = [(line.item_id, line.amount) for line in lines]
        await self._outbox.append(uow, events.refund_succeeded(refund, reason=refund.reason, lines=told))

    async def _fail(self, uow: UnitOfWork, refund: Refund, transfer: Transfer) -> None:
        reason = transfer.reason or "refused"
        refund.fail(transfer.reference, reason)
        lines = await refunds.list_refund_lines(uow.session, refund.id)
        order_ids = {line.order_id for line in lines}
        items = {item.id: item for item in await payables.list_items(uow.session, list(order_ids))}
        for line in lines:
            give_back(line, items[line.item_id])
        orders = [o for o in await payables.list_orders(uow.session, refund.group_id) if o.id in order_ids]
        booking = ledger.refund_reversed(refund, lines, _released(orders))
        await journal.book(uow.session, booking, self._clock())
        await self._outbox.append(uow, events.refund_failed(refund, reason=reason))


def _released(orders: Sequence[PayableOrder]) -> set[UUID]:
    return {order.id for order in orders if order.released_at is not None}

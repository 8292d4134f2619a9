"""The use cases of payouts, and the release of what was held long enough."""

from __future__ import annotations

from datetime import timedelta
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
from subgraphs.payments.domain.commands import RunPayouts
from subgraphs.payments.domain.payout import Payout, PayoutStatus, require_begun
from subgraphs.payments.repository import ledger as journal
from subgraphs.payments.repository import payables, payments, payouts
from subgraphs.payments.repository.due import FIRST_RETRY


class PayoutsService:
    """`hold`: how long after its delivery an order's money is held back."""

    def __init__(self, outbox: Outbox, clock: Clock, *, hold: timedelta) -> None:
        self._outbox = outbox
        self._clock = clock
        self._hold = hold

    async def release_next(self, uow: UnitOfWork) -> bool:
        """Make one order's money available, if there is one whose hold is over."""
        now = self._clock()
        found = await payables.lock_releasable_order(uow.session, now - self._hold)
        if found is None:
            return False
        # Another worker may have released it between the look and the lock: what counts is what it is now.
        order = await payables.get_order(uow.session, found.id)
        if order.released_at is not None:
            return True
        payment = await payments.find_payment_of_group(uow.session, order.group_id)
        assert payment is not None
        items = await payables.list_items(uow.session, [order.id])
        order.released_at = now
        booking = ledger.release(order.id, order.seller_id, payment.currency, items)
        await journal.book(uow.session, booking, now)
        return True

    async def run_payouts(self, uow: UnitOfWork, actor: Actor, command: RunPayouts) -> Outcome:
        """Pay every approved seller what is available, once a period and currency. Raises PeriodInFuture.

        Who has nothing, or less than nothing, is left out: the balance stands until a later payout nets it.
        """
        actor.require_role(Role.FINANCE, Role.ADMIN)
        require_begun(command.period, self._clock())
        run_id = new_id()
        accounts = await payouts.lock_payable_accounts(uow.session, command.period)
        for account_id, seller_id, currency in accounts:
            await self._pay(uow, run_id, command.period, account_id, seller_id, currency=currency)
        return Outcome.of(run=run_id)

    async def _pay(
        self, uow: UnitOfWork, run_id: UUID, period: str, account_id: UUID, seller_id: UUID, *, currency: str
    ) -> None:
        now = self._clock()
        payout_id = new_id()
        items = await payouts.list_unsettled(uow.session, account_id, payout_id)
        amount = sum(item.amount for item in items)
        if amount <= 0:
            return
        payout = Payout(
            id=payout_id,
            run_id=run_id,
            seller_id=seller_id,
            period=period,
            amount=amount,
            currency=currency,
            status=PayoutStatus.PENDING,
            provider_reference=None,
            failure_reason=None,
            tries=0,
            # The request that decided it calls the provider first; a worker only looks after what it left.
            due_at=now + FIRST_RETRY,
            version=0,
            created_at=now,
        )
        await payouts.add_payout(uow.session, payout, items)
        await journal.book(uow.session, ledger.payout(payout.id, seller_id, currency, amount), now)

    async def record(self, uow: UnitOfWork, payout_id: UUID, transfer: Transfer) -> None:
        """Take over what the provider says of a payout; what is settled stays as it is."""
        payout = await payouts.lock_payout(uow.session, payout_id)
        if payout.status is not PayoutStatus.PENDING:
            return
        now = self._clock()
        match transfer.state:
            case TransferState.PROCESSING:
                payout.provider_reference = transfer.reference
            case TransferState.SUCCEEDED:
                payout.pay(transfer.reference)
                booking = ledger.payout_paid(payout.id, payout.currency, payout.amount)
                await journal.book(uow.session, booking, now)
                await self._outbox.append(uow, events.payout_paid(payout))
            case TransferState.FAILED:
                reason = transfer.reason or "refused"
                payout.fail(transfer.reference, reason)
                booking = ledger.payout_reversed(payout.id, payout.seller_id, payout.currency, payout.amount)
                await journal.book(uow.session, booking, now)
                await self._outbox.append(uow, events.payout_failed(payout, reason=reason))

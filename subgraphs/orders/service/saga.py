"""The checkout saga after step 1: what the events of inventory and payments, the deadline and the buyer do to a group.

Whatever moves a group locks its row first, so that a capture and an expiry never both win.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from shared.auth.actor import Actor
from shared.clock import Clock
from shared.db.database import UnitOfWork
from shared.db.idempotency import Outcome
from shared.messaging.contract import DomainEvent, ReceivedEvent
from shared.messaging.outbox import Outbox
from shared.telemetry import span_names as names
from shared.telemetry.spans import continued
from subgraphs.orders import events
from subgraphs.orders.domain.checkout import PlacedOrder
from subgraphs.orders.domain.commands import CancelOrderGroup
from subgraphs.orders.domain.group import (
    PARKED_ORDER,
    TARGET,
    CancelReason,
    GroupStatus,
    OrderGroup,
    Verdict,
    judge,
)
from subgraphs.orders.domain.history import Cause, group_step, order_step
from subgraphs.orders.domain.order import Order, OrderStatus
from subgraphs.orders.domain.saga import SagaEvent, advance, follow
from subgraphs.orders.errors import NotCancellable
from subgraphs.orders.repository import orders
from subgraphs.orders.service.watching import OrderWatch

log = logging.getLogger(__name__)


class CheckoutSaga:
    """`max_payment_attempts`: the decline that cancels the group."""

    def __init__(self, outbox: Outbox, clock: Clock, watch: OrderWatch, max_payment_attempts: int) -> None:
        self._outbox = outbox
        self._clock = clock
        self._watch = watch
        self._max_payment_attempts = max_payment_attempts

    async def receive(self, uow: UnitOfWork, event: ReceivedEvent) -> None:
        """An event of `Signal`: applied now, parked until its state comes, or without meaning any more."""
        group_id = UUID(event.payload["order_group_id"])
        group = await orders.find_group_for_update(uow.session, group_id)
        if group is None:
            # The group is committed before anybody hears of it: an unknown one is not early, it is not ours.
            log.warning("event of an unknown order group", extra={"event": event.name, "group": str(group_id)})
            return
        await self._take(uow, group, SagaEvent(event.id, group_id, event.name, event.occurred_at, event.payload))

    async def cancel_order_group(self, uow: UnitOfWork, actor: Actor, command: CancelOrderGroup) -> Outcome:
        """The buyer, or staff for them, gives up before the payment. Raises OrderGroupNotFound, NotCancellable."""
        actor_id = actor.require_user()
        group = await orders.get_group_for_update(uow.session, command.order_group_id)
        if not group.can_be_cancelled:
            raise NotCancellable(group.status)
        group.cancel_reason = CancelReason.BUYER
        before = group.move(GroupStatus.CANCELLED)
        await self._settle(uow, group, before, Cause("cancelOrderGroup", self._clock(), actor_id=actor_id))
        return Outcome.of(order_group=group.id)

    async def overdue(self, uow: UnitOfWork, limit: int) -> Sequence[UUID]:
        """Groups whose deadline has passed, for `expire` one by one."""
        return await orders.overdue_group_ids(uow.session, self._clock(), limit)

    async def expire(self, uow: UnitOfWork, group_id: UUID) -> bool:
        """Whether the group was expired here: another worker, or a capture, may have been faster."""
        now = self._clock()
        group = await orders.find_group_unless_locked(uow.session, group_id)
        if group is None or not group.has_expired(now):
            return False
        before = group.move(GroupStatus.EXPIRED)
        with continued(names.EXPIRE, group.traceparent):
            await self._settle(uow, group, before, Cause("deadline", now))
        return True

    async def _take(self, uow: UnitOfWork, group: OrderGroup, event: SagaEvent) -> None:
        verdict = judge(group.status, event.signal)
        match verdict:
            case Verdict.ADVANCE:
                await self._advance(uow, group, TARGET[event.signal], event)
            case Verdict.COUNT:
                # The payload's own count, since declines may come twice or out of order.
                group.payment_attempts = max(group.payment_attempts, event.payload["attempt"])
                if group.payment_attempts >= self._max_payment_attempts:
                    await self._advance(uow, group, GroupStatus.CANCELLED, event)
            case Verdict.PARK:
                await orders.park(uow.session, event)
            case Verdict.LATE_CAPTURE:
                # Payments refunds it in full: it has heard, or will hear, that the group is dead.
                group.late_payment_id = UUID(event.payload["payment_id"])
            case Verdict.IGNORE:
                pass
        if verdict in (Verdict.PARK, Verdict.LATE_CAPTURE, Verdict.IGNORE):
            facts = {"event": event.name, "group": str(group.id), "status": group.status, "verdict": verdict.name}
            log.info("event moved nothing", extra=facts)

    async def _advance(self, uow: UnitOfWork, group: OrderGroup, to: GroupStatus, event: SagaEvent) -> None:
        before = advance(group, to, event)
        await self._settle(uow, group, before, Cause(event.name, self._clock(), event_id=event.id))

    async def _settle(self, uow: UnitOfWork, group: OrderGroup, before: GroupStatus, cause: Cause) -> None:
        """All that follows from a group's step: its orders, the history, one event, and what was parked for it."""
        placed = await orders.placed_orders_of_group(uow.session, group.id)
        steps = [group_step(group, before, cause)]
        for order in (p.order for p in placed):
            order_before = follow(order, group)
            if order_before is not None:
                steps.append(order_step(order, order_before, cause))
        await orders.record(uow.session, steps)
        await self._outbox.append(uow, *_told(group, placed))
        self._watch.updated(uow, [p.order for p in placed])
        if group.status is GroupStatus.CONFIRMED:
            self._watch.received(uow, _living(placed))
        parked = await orders.take_parked(uow.session, group.id)
        for event in sorted(parked, key=lambda e: PARKED_ORDER.index(e.signal)):
            await self._take(uow, group, event)


class SagaNotes:
    """What changes no state but is to be known: money that went back, stock that is free again."""

    def __init__(self, watch: OrderWatch) -> None:
        self._watch = watch

    async def on_refund_succeeded(self, uow: UnitOfWork, event: ReceivedEvent) -> None:
        refund = event.payload
        group = await _find_group(uow, event)
        if group is None:
            return
        order_id = UUID(refund["order_id"]) if refund["order_id"] else None
        fresh = await orders.add_refund(
            uow.session,
            UUID(refund["refund_id"]),
            group_id=group.id,
            order_id=order_id,
            amount=refund["amount"],
            at=event.occurred_at,
        )
        if not fresh:
            return
        group.refunded += refund["amount"]
        if order_id is None:
            return
        order = await orders.get_order_for_update(uow.session, order_id)
        order.refunded += refund["amount"]
        self._watch.updated(uow, [order])
        by_line = {UUID(line["line_id"]): line["amount"] for line in refund["lines"]}
        await orders.add_line_refunds(uow.session, order_id, by_line)

    async def on_payment_voided(self, uow: UnitOfWork, event: ReceivedEvent) -> None:
        group = await _find_group(uow, event)
        if group is not None:
            group.payment_voided_at = _earlier(group.payment_voided_at, event.occurred_at)

    async def on_stock_released(self, uow: UnitOfWork, event: ReceivedEvent) -> None:
        """Of the whole group, or of one order that was cancelled after the payment."""
        if event.payload["order_id"]:
            order = await orders.find_order_for_update(uow.session, UUID(event.payload["order_id"]))
            if order is not None:
                order.restocked_at = _earlier(order.restocked_at, event.occurred_at)
            return
        group = await _find_group(uow, event)
        if group is not None:
            group.stock_released_at = _earlier(group.stock_released_at, event.occurred_at)


async def _find_group(uow: UnitOfWork, event: ReceivedEvent) -> OrderGroup | None:
    return await orders.find_group_for_update(uow.session, UUID(event.payload["order_group_id"]))


def _earlier(known: datetime | None, told: datetime) -> datetime:
    return told if known is None else min(known, told)


def _living(placed: Sequence[PlacedOrder]) -> list[Order]:
    return [p.order for p in placed if p.order.status is not OrderStatus.CANCELLED]


def _told(group: OrderGroup, placed: Sequence[PlacedOrder]) -> tuple[DomainEvent, ...]:
    """The event of the state that the group has just entered."""
    match group.status:
        case GroupStatus.AWAITING_PAYMENT:
            return (events.order_awaiting_payment(group, placed),)
        case GroupStatus.PAID if group.payment_id:
            return (events.order_paid(group, placed, payment_id=group.payment_id),)
        case GroupStatus.CONFIRMED:
            living = _living(placed)
            # All of it may have been cancelled and refunded between payment and commit: nothing is left to confirm.
            return (events.order_confirmed(group, living),) if living else ()
        case GroupStatus.CANCELLED if group.cancel_reason:
            return (events.group_cancelled(group, reason=group.cancel_reason),)
        case GroupStatus.EXPIRED:
            return (events.order_expired(group),)
    raise AssertionError(f"a group never moves into {group.status}")

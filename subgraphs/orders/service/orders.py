"""What a buyer, a seller and staff do with one order after the payment. Each locks that order alone."""

from __future__ import annotations

from shared.auth.actor import Actor, Role
from shared.clock import Clock
from shared.db.database import UnitOfWork
from shared.db.idempotency import Outcome
from shared.ids import new_id
from shared.messaging.outbox import Outbox
from subgraphs.orders import events
from subgraphs.orders.domain.commands import CancelOrder, DeliverOrder, ShipOrder
from subgraphs.orders.domain.group import CancelReason
from subgraphs.orders.domain.history import Cause, order_step
from subgraphs.orders.domain.order import Order, OrderStatus, Shipment, ShippedLine, all_shipped, ship
from subgraphs.orders.errors import OrderNotFound
from subgraphs.orders.repository import orders
from subgraphs.orders.service.watching import OrderWatch


class OrderService:
    def __init__(self, outbox: Outbox, clock: Clock, watch: OrderWatch) -> None:
        self._outbox = outbox
        self._clock = clock
        self._watch = watch

    async def cancel_order(self, uow: UnitOfWork, actor: Actor, command: CancelOrder) -> Outcome:
        """One seller's order, paid and not yet shipped: its buyer, its seller, or staff in the buyer's name.

        Raises OrderNotFound, OrderNotPaid, NotCancellable.
        """
        actor_id = actor.require_user()
        order = await orders.get_order_for_update(uow.session, command.order_id)
        reason = _party(actor, order)
        lines = await orders.lines_of_order(uow.session, order.id)
        order.require_cancellable(lines)
        before = order.cancel(reason)
        order.version += 1
        cause = Cause("cancelOrder", self._clock(), actor_id=actor_id)
        await orders.record(uow.session, [order_step(order, before, cause)])
        await self._outbox.append(uow, events.order_cancelled(order, lines, reason=reason, actor_id=actor_id))
        self._watch.updated(uow, [order])
        return Outcome.of(order=order.id)

    async def ship_order(self, uow: UnitOfWork, actor: Actor, command: ShipOrder) -> Outcome:
        """The seller sends a parcel: all that is left, or some of it. Raises OrderNotFound, NotShippable, InvalidInput."""
        seller_id = actor.require_seller()
        order = await orders.get_order_for_update(uow.session, command.order_id)
        if order.seller_id != seller_id:
            raise OrderNotFound
        lines = await orders.lines_of_order(uow.session, order.id)
        parcel = ship(order, lines, [(line.line_id, line.quantity) for line in command.lines])
        shipment = Shipment(
            id=new_id(),
            order_id=order.id,
            buyer_id=order.buyer_id,
            seller_id=seller_id,
            carrier=command.carrier,
            tracking_code=command.tracking_code,
            shipped_at=self._clock(),
        )
        await orders.add_shipment(
            uow.session, shipment, [ShippedLine(shipment.id, line_id, quantity) for line_id, quantity in parcel.items()]
        )
        if all_shipped(lines):
            before = order.move(OrderStatus.SHIPPED)
            cause = Cause("shipOrder", shipment.shipped_at, actor_id=actor.user_id)
            await orders.record(uow.session, [order_step(order, before, cause)])
        event = events.order_shipped(order, lines, shipment_id=shipment.id, parcel=parcel, actor_id=actor.user_id)
        await self._outbox.append(uow, event)
        self._watch.updated(uow, [order])
        return Outcome.of(order=order.id, shipment=shipment.id)

    async def deliver_order(self, uow: UnitOfWork, actor: Actor, command: DeliverOrder) -> Outcome:
        """The seller or staff notes that the buyer has it. Raises OrderNotFound, NotDeliverable."""
        if not actor.is_staff:
            actor.require_seller()
        order = await orders.get_order_for_update(uow.session, command.order_id)
        if not actor.is_staff and order.seller_id != actor.seller_id:
            raise OrderNotFound
        now = self._clock()
        before = order.deliver(now)
        lines = await orders.lines_of_order(uow.session, order.id)
        await orders.record(
            uow.session, [order_step(order, before, Cause("deliverOrder", now, actor_id=actor.user_id))]
        )
        await self._outbox.append(uow, events.order_delivered(order, lines, delivered_at=now, actor_id=actor.user_id))
        self._watch.updated(uow, [order])
        return Outcome.of(order=order.id)


def _party(actor: Actor, order: Order) -> CancelReason:
    """In whose name the actor cancels. Raises OrderNotFound for anyone whom the order does not concern."""
    if actor.user_id == order.buyer_id:
        return CancelReason.BUYER
    if Role.SELLER in actor.roles and actor.seller_id == order.seller_id:
        return CancelReason.SELLER
    if actor.is_staff:
        return CancelReason.BUYER
    raise OrderNotFound

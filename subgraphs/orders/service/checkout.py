"""Checkout: one transaction turns the buyer's cart into a group of orders and says so."""

from __future__ import annotations

from datetime import timedelta

from shared.auth.actor import Actor
from shared.clock import Clock
from shared.db.database import UnitOfWork
from shared.db.idempotency import Outcome
from shared.messaging.outbox import Outbox
from subgraphs.orders import events
from subgraphs.orders.domain.cart import CartStatus
from subgraphs.orders.domain.checkout import check_out
from subgraphs.orders.domain.commands import Checkout
from subgraphs.orders.domain.history import Cause, group_step, order_step
from subgraphs.orders.errors import EmptyCart
from subgraphs.orders.repository import carts, orders
from subgraphs.orders.service.watching import OrderWatch


class CheckoutService:
    """`deadline` is how long stock is held and the payment awaited."""

    def __init__(self, outbox: Outbox, clock: Clock, watch: OrderWatch, deadline: timedelta) -> None:
        self._outbox = outbox
        self._clock = clock
        self._watch = watch
        self._deadline = deadline

    async def checkout(self, uow: UnitOfWork, actor: Actor, command: Checkout) -> Outcome:
        """Step 1 of the saga. Of several checkouts of one cart the first wins: the others find no open cart.

        Raises EmptyCart, CartChanged, NotForSale, CurrencyMismatch, PriceChanged, AmountTooLarge.
        """
        buyer_id = actor.require_user()
        cart = await carts.lock_open_of_user(uow.session, buyer_id)
        if cart is None:
            raise EmptyCart
        lines = await carts.lines_of(uow.session, cart.id)
        offers = await carts.offers_by_variant(uow.session, [line.variant_id for line in lines])
        now = self._clock()
        placement = check_out(
            cart,
            command.cart_version,
            lines,
            offers,
            buyer_id=buyer_id,
            now=now,
            expires_at=now + self._deadline,
        )
        cart.close(CartStatus.CHECKED_OUT, now)
        await orders.add_placement(uow.session, placement)
        cause = Cause("checkout", now, actor_id=buyer_id)
        steps = [order_step(placed.order, None, cause) for placed in placement.orders]
        await orders.record(uow.session, [group_step(placement.group, None, cause), *steps])
        await self._outbox.append(uow, events.order_created(placement.group, placement.orders))
        self._watch.updated(uow, [placed.order for placed in placement.orders])
        return Outcome.of(order_group=placement.group.id)

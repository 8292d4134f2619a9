"""The use cases of carts. Each locks its cart first, so that two changes of one cart come one after the other."""

from __future__ import annotations

from uuid import UUID

from shared.auth.actor import Actor
from shared.clock import Clock
from shared.db.database import UnitOfWork
from shared.db.idempotency import Outcome
from shared.ids import new_id
from subgraphs.orders.domain.cart import (
    Cart,
    CartLine,
    CartStatus,
    Offer,
    hash_cart_token,
    raise_quantity,
    require_room,
)
from subgraphs.orders.domain.commands import (
    AcceptCartPrices,
    AddToCart,
    CartCommand,
    MergeCart,
    RemoveCartLine,
    UpdateCartLine,
)
from subgraphs.orders.errors import CartLineNotFound, CartNotFound
from subgraphs.orders.repository import carts


class CartService:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def add_to_cart(self, uow: UnitOfWork, actor: Actor, command: AddToCart, *, new_token: str) -> Outcome:
        """A first line opens the cart; a guest's is then claimed by `new_token`.

        Raises CartNotFound, NotForSale, CurrencyMismatch, CartFull.
        """
        cart = await self._open(uow, actor, command, new_token)
        lines = await carts.lines_of(uow.session, cart.id)
        offer = cart.admit(await self._offer(uow, command.variant_id), command.variant_id)
        self._put(uow, cart, lines, offer, command.quantity)
        cart.changed(self._clock())
        return Outcome.of(cart=cart.id)

    async def update_cart_line(self, uow: UnitOfWork, actor: Actor, command: UpdateCartLine) -> Outcome:
        """Set the quantity, at today's price. Raises CartNotFound, CartLineNotFound, NotForSale, CurrencyMismatch."""
        cart = await self._locked(uow, actor, command)
        line = _line(await carts.lines_of(uow.session, cart.id), command.line_id)
        line.seen_price = cart.admit(await self._offer(uow, line.variant_id), line.variant_id).price
        line.quantity = command.quantity
        cart.changed(self._clock())
        return Outcome.of(cart=cart.id)

    async def remove_cart_line(self, uow: UnitOfWork, actor: Actor, command: RemoveCartLine) -> Outcome:
        """Raises CartNotFound, CartLineNotFound."""
        cart = await self._locked(uow, actor, command)
        lines = await carts.lines_of(uow.session, cart.id)
        await carts.delete_line(uow.session, _line(lines, command.line_id).id)
        cart.changed(self._clock(), empty=len(lines) == 1)
        return Outcome.of(cart=cart.id)

    async def accept_cart_prices(self, uow: UnitOfWork, actor: Actor, command: AcceptCartPrices) -> Outcome:
        """The buyer agrees to today's price of every line. What is not for sale stays as it is. Raises CartNotFound."""
        cart = await self._locked(uow, actor, command)
        lines = await carts.lines_of(uow.session, cart.id)
        offers = await carts.offers_by_variant(uow.session, [line.variant_id for line in lines])
        for line in lines:
            offer = offers.get(line.variant_id)
            if offer is not None and offer.for_sale and offer.currency == cart.currency:
                line.seen_price = offer.price
        cart.changed(self._clock())
        return Outcome.of(cart=cart.id)

    async def merge_cart(self, uow: UnitOfWork, actor: Actor, command: MergeCart) -> Outcome:
        """Take a guest's cart over into the signed-in user's, after signing in; the token is then worth nothing.

        What is no longer for sale is left behind. Raises CartNotFound, CurrencyMismatch, CartFull.
        """
        user_id = actor.require_user()
        guest = await carts.lock_open_by_token(uow.session, hash_cart_token(command.cart_token))
        if guest is None:
            raise CartNotFound
        cart = await carts.lock_or_open_of_user(uow.session, user_id, self._clock())
        lines = await carts.lines_of(uow.session, cart.id)
        brought = await carts.lines_of(uow.session, guest.id)
        offers = await carts.offers_by_variant(uow.session, [line.variant_id for line in brought])
        for line in brought:
            offer = offers.get(line.variant_id)
            if offer is None or not offer.for_sale:
                continue
            cart.admit(offer, line.variant_id)
            # The guest has seen this price: if it has changed since, checkout says so.
            self._put(uow, cart, lines, offer, line.quantity, seen_price=line.seen_price)
        guest.close(CartStatus.MERGED, self._clock())
        cart.changed(self._clock())
        return Outcome.of(cart=cart.id)

    def _put(
        self,
        uow: UnitOfWork,
        cart: Cart,
        lines: list[CartLine],
        offer: Offer,
        quantity: int,
        *,
        seen_price: int | None = None,
    ) -> None:
        price = offer.price if seen_price is None else seen_price
        for line in lines:
            if line.variant_id == offer.variant_id:
                raise_quantity(line, quantity)
                line.seen_price = price
                return
        require_room(lines)
        line = CartLine(new_id(), cart.id, offer.variant_id, quantity, price, self._clock())
        lines.append(line)
        uow.session.add(line)

    async def _open(self, uow: UnitOfWork, actor: Actor, command: CartCommand, new_token: str) -> Cart:
        if actor.user_id is not None:
            return await carts.lock_or_open_of_user(uow.session, actor.user_id, self._clock())
        if command.cart_token is None:
            return await carts.add_guest_cart(uow.session, hash_cart_token(new_token), self._clock())
        return await self._locked(uow, actor, command)

    async def _locked(self, uow: UnitOfWork, actor: Actor, command: CartCommand) -> Cart:
        """A signed-in user's own cart, else the guest's by its token. Raises CartNotFound."""
        found: Cart | None = None
        if actor.user_id is not None:
            found = await carts.lock_open_of_user(uow.session, actor.user_id)
        elif command.cart_token is not None:
            found = await carts.lock_open_by_token(uow.session, hash_cart_token(command.cart_token))
        if found is None:
            raise CartNotFound
        return found

    async def _offer(self, uow: UnitOfWork, variant_id: UUID) -> Offer | None:
        return (await carts.offers_by_variant(uow.session, [variant_id])).get(variant_id)


def _line(lines: list[CartLine], line_id: UUID) -> CartLine:
    for line in lines:
        if line.id == line_id:
            return line
    raise CartLineNotFound

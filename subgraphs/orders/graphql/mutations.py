"""Writes of orders."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import strawberry

from shared.db.idempotency import Outcome
from shared.graphql.types import user_errors
from subgraphs.orders.domain.cart import hash_cart_token, new_cart_token
from subgraphs.orders.errors import OrdersErrorCode
from subgraphs.orders.graphql.context import Info
from subgraphs.orders.graphql.inputs import (
    AcceptCartPricesInput,
    AddToCartInput,
    CancelOrderGroupInput,
    CancelOrderInput,
    CheckoutInput,
    DeliverOrderInput,
    MergeCartInput,
    RemoveCartLineInput,
    ShipOrderInput,
    UpdateCartLineInput,
)
from subgraphs.orders.graphql.types.cart import AddToCartPayload, Cart, CartPayload
from subgraphs.orders.graphql.types.orders import Order, OrderGroup, OrderGroupPayload, OrderPayload


@strawberry.type
class Mutation:
    @strawberry.mutation(description="Put something into your cart, or into a guest's; a guest's first line opens one.")
    async def add_to_cart(self, info: Info, input: AddToCartInput) -> AddToCartPayload:
        token = new_cart_token()
        add = partial(info.context.services.carts.add_to_cart, new_token=token)
        outcome = await info.context.write("addToCart", input, add, caller=_guest(info, input.cart_token))
        payload = await _cart(info, outcome)
        return AddToCartPayload(
            cart=payload.cart,
            cart_token=token if await _was_opened_with(info, token, outcome) else None,
            user_errors=payload.user_errors,
        )

    @strawberry.mutation(description="Set the quantity of a line, at today's price.")
    async def update_cart_line(self, info: Info, input: UpdateCartLineInput) -> CartPayload:
        update = info.context.services.carts.update_cart_line
        caller = _guest(info, input.cart_token)
        return await _cart(info, await info.context.write("updateCartLine", input, update, caller=caller))

    @strawberry.mutation(description="Take a line out of the cart.")
    async def remove_cart_line(self, info: Info, input: RemoveCartLineInput) -> CartPayload:
        remove = info.context.services.carts.remove_cart_line
        caller = _guest(info, input.cart_token)
        return await _cart(info, await info.context.write("removeCartLine", input, remove, caller=caller))

    @strawberry.mutation(description="Agree to today's prices, after PRICE_CHANGED.")
    async def accept_cart_prices(self, info: Info, input: AcceptCartPricesInput) -> CartPayload:
        accept = info.context.services.carts.accept_cart_prices
        caller = _guest(info, input.cart_token)
        return await _cart(info, await info.context.write("acceptCartPrices", input, accept, caller=caller))

    @strawberry.mutation(description="Take a guest's cart over into your own, after signing in.")
    async def merge_cart(self, info: Info, input: MergeCartInput) -> CartPayload:
        return await _cart(info, await info.context.write("mergeCart", input, info.context.services.carts.merge_cart))

    @strawberry.mutation(description="Buy what is in your cart: one order a seller, waiting for stock, then payment.")
    async def checkout(self, info: Info, input: CheckoutInput) -> OrderGroupPayload:
        return await _group(info, await info.context.write("checkout", input, info.context.services.checkout.checkout))

    @strawberry.mutation(description="Give up a checkout before it is paid (its buyer, or staff).")
    async def cancel_order_group(self, info: Info, input: CancelOrderGroupInput) -> OrderGroupPayload:
        cancel = info.context.services.saga.cancel_order_group
        return await _group(info, await info.context.write("cancelOrderGroup", input, cancel))

    @strawberry.mutation(
        description="Cancel one paid order before anything has left (its buyer, its seller, or staff)."
    )
    async def cancel_order(self, info: Info, input: CancelOrderInput) -> OrderPayload:
        return await _order(
            info, await info.context.write("cancelOrder", input, info.context.services.orders.cancel_order)
        )

    @strawberry.mutation(description="Send a parcel: all that is left of an order, or some lines (its seller).")
    async def ship_order(self, info: Info, input: ShipOrderInput) -> OrderPayload:
        return await _order(info, await info.context.write("shipOrder", input, info.context.services.orders.ship_order))

    @strawberry.mutation(description="Note that a shipped order has reached its buyer (its seller, or staff).")
    async def deliver_order(self, info: Info, input: DeliverOrderInput) -> OrderPayload:
        return await _order(
            info, await info.context.write("deliverOrder", input, info.context.services.orders.deliver_order)
        )


def _guest(info: Info, token: str | None) -> str | None:
    """Whose idempotency keys these are: a guest's are those of their cart."""
    if info.context.actor.user_id is not None or token is None:
        return None
    return f"guest:{hash_cart_token(token)}"


async def _was_opened_with(info: Info, token: str, outcome: Outcome) -> bool:
    """Whether this very request opened the cart. A replay of it did not: the secret is told once and stored nowhere."""
    cart_id = outcome.ids.get("cart")
    cart = await info.context.cart_by_id.load(UUID(cart_id)) if cart_id else None
    return cart is not None and cart.token_hash == hash_cart_token(token)


async def _cart(info: Info, outcome: Outcome) -> CartPayload:
    cart_id = outcome.ids.get("cart")
    cart = await info.context.cart_by_id.load(UUID(cart_id)) if cart_id else None
    return CartPayload(cart=Cart.of(cart) if cart else None, user_errors=user_errors(outcome, OrdersErrorCode))


async def _group(info: Info, outcome: Outcome) -> OrderGroupPayload:
    group_id = outcome.ids.get("order_group")
    group = await info.context.group_by_id.load(UUID(group_id)) if group_id else None
    return OrderGroupPayload(
        order_group=OrderGroup.of(group) if group else None, user_errors=user_errors(outcome, OrdersErrorCode)
    )


async def _order(info: Info, outcome: Outcome) -> OrderPayload:
    order_id = outcome.ids.get("order")
    order = await info.context.order_by_id.load(UUID(order_id)) if order_id else None
    return OrderPayload(order=Order.of(order) if order else None, user_errors=user_errors(outcome, OrdersErrorCode))

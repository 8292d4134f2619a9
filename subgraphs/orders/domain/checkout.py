"""From a cart to orders: the checks, the split by seller and every frozen figure. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.ids import new_id
from shared.money import MAX_CENTS
from subgraphs.orders.domain.cart import Cart, CartLine, Offer
from subgraphs.orders.domain.group import GroupStatus, OrderGroup
from subgraphs.orders.domain.order import Order, OrderLine, OrderStatus
from subgraphs.orders.errors import AmountTooLarge, CartChanged, CurrencyMismatch, EmptyCart, NotForSale, PriceChanged


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """One seller's order with its lines."""

    order: Order
    lines: tuple[OrderLine, ...]


@dataclass(frozen=True, slots=True)
class Placement:
    """A group with all its orders: what one checkout makes, and what the events before the payment tell."""

    group: OrderGroup
    orders: tuple[PlacedOrder, ...]


def check_out(
    cart: Cart,
    cart_version: int,
    lines: Sequence[CartLine],
    offers: Mapping[UUID, Offer],
    *,
    buyer_id: UUID,
    now: datetime,
    expires_at: datetime,
) -> Placement:
    """Raises CartChanged, EmptyCart, NotForSale, CurrencyMismatch, PriceChanged, AmountTooLarge; changes nothing."""
    if cart.version != cart_version:
        raise CartChanged(cart.version)
    if not lines:
        raise EmptyCart
    _require_agreed(cart, lines, offers)
    group_id = new_id()
    by_seller: dict[UUID, list[CartLine]] = defaultdict(list)
    for line in lines:
        by_seller[offers[line.variant_id].seller_id].append(line)
    orders = tuple(
        _place_order(group_id, buyer_id, seller_id, by_seller[seller_id], offers, now)
        for seller_id in sorted(by_seller)
    )
    return Placement(_place_group(group_id, cart, buyer_id, orders, now, expires_at), orders)


def _require_agreed(cart: Cart, lines: Sequence[CartLine], offers: Mapping[UUID, Offer]) -> None:
    gone = [line.variant_id for line in lines if not (line.variant_id in offers and offers[line.variant_id].for_sale)]
    if gone:
        raise NotForSale(gone)
    for line in lines:
        offer = offers[line.variant_id]
        if cart.currency is None or offer.currency != cart.currency:
            raise CurrencyMismatch(str(cart.currency), offer.currency)
    changed = [o.sku for line in lines if (o := offers[line.variant_id]).price != line.seen_price]
    if changed:
        raise PriceChanged(changed)


def _place_order(
    group_id: UUID,
    buyer_id: UUID,
    seller_id: UUID,
    cart_lines: Sequence[CartLine],
    offers: Mapping[UUID, Offer],
    now: datetime,
) -> PlacedOrder:
    order_id = new_id()
    lines = tuple(
        _freeze(order_id, buyer_id, position, line, offers[line.variant_id]) for position, line in enumerate(cart_lines)
    )
    subtotal = sum(line.unit_price * line.quantity for line in lines)
    discount = sum(line.discount for line in lines)
    order = Order(
        id=order_id,
        group_id=group_id,
        buyer_id=buyer_id,
        seller_id=seller_id,
        status=OrderStatus.PLACED,
        currency=offers[cart_lines[0].variant_id].currency,
        subtotal=subtotal,
        discount=discount,
        shipping=0,
        tax=0,
        total=subtotal - discount,
        placed_at=now,
    )
    return PlacedOrder(order, lines)


def _freeze(order_id: UUID, buyer_id: UUID, position: int, line: CartLine, offer: Offer) -> OrderLine:
    return OrderLine(
        id=new_id(),
        order_id=order_id,
        buyer_id=buyer_id,
        seller_id=offer.seller_id,
        position=position,
        product_id=offer.product_id,
        variant_id=offer.variant_id,
        sku=offer.sku,
        title=offer.title,
        variant_title=offer.variant_title,
        quantity=line.quantity,
        unit_price=offer.price,
        discount=0,
        total=offer.price * line.quantity,
        commission_bps=offer.commission_bps,
    )


def _place_group(
    group_id: UUID, cart: Cart, buyer_id: UUID, placed: Sequence[PlacedOrder], now: datetime, expires_at: datetime
) -> OrderGroup:
    orders = [p.order for p in placed]
    total = sum(order.total for order in orders)
    if total > MAX_CENTS:
        raise AmountTooLarge
    return OrderGroup(
        id=group_id,
        cart_id=cart.id,
        buyer_id=buyer_id,
        status=GroupStatus.RESERVING,
        currency=orders[0].currency,
        subtotal=sum(order.subtotal for order in orders),
        discount=sum(order.discount for order in orders),
        shipping=sum(order.shipping for order in orders),
        tax=sum(order.tax for order in orders),
        total=total,
        expires_at=expires_at,
        placed_at=now,
    )

"""What orders tells the others. Payloads carry ids and figures.

Up to the payment an event is the group's and carries all its orders; later ones are the order's. The shapes are
protocols, since the classes that fit them stand above this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from shared.clock import format_timestamp
from shared.messaging.contract import JSON, DomainEvent


class Amounts(Protocol):
    @property
    def currency(self) -> str: ...
    @property
    def subtotal(self) -> int: ...
    @property
    def discount(self) -> int: ...
    @property
    def shipping(self) -> int: ...
    @property
    def tax(self) -> int: ...
    @property
    def total(self) -> int: ...


class Group(Amounts, Protocol):
    @property
    def id(self) -> UUID: ...
    @property
    def buyer_id(self) -> UUID: ...
    @property
    def expires_at(self) -> datetime: ...
    @property
    def version(self) -> int: ...


class Order(Amounts, Protocol):
    @property
    def id(self) -> UUID: ...
    @property
    def group_id(self) -> UUID: ...
    @property
    def buyer_id(self) -> UUID: ...
    @property
    def seller_id(self) -> UUID: ...
    @property
    def version(self) -> int: ...


class Line(Protocol):
    @property
    def id(self) -> UUID: ...
    @property
    def product_id(self) -> UUID: ...
    @property
    def variant_id(self) -> UUID: ...
    @property
    def quantity(self) -> int: ...
    @property
    def unit_price(self) -> int: ...
    @property
    def discount(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def commission_bps(self) -> int: ...


class PlacedOrder(Protocol):
    @property
    def order(self) -> Order: ...
    @property
    def lines(self) -> Sequence[Line]: ...


def order_created(group: Group, orders: Sequence[PlacedOrder]) -> DomainEvent:
    return _of_group("created", group, _figures(group, orders) | {"expires_at": format_timestamp(group.expires_at)})


def order_awaiting_payment(group: Group, orders: Sequence[PlacedOrder]) -> DomainEvent:
    figures = _figures(group, orders)
    return _of_group("awaiting_payment", group, figures | {"expires_at": format_timestamp(group.expires_at)})


def order_paid(group: Group, orders: Sequence[PlacedOrder], *, payment_id: UUID) -> DomainEvent:
    return _of_group("paid", group, _figures(group, orders) | {"payment_id": str(payment_id)})


def order_confirmed(group: Group, orders: Sequence[Order]) -> DomainEvent:
    """`orders` are those that live: one may have been cancelled between payment and confirmation."""
    payload: dict[str, JSON] = {
        "currency": group.currency,
        "total": sum(order.total for order in orders),
        "order_ids": [str(order.id) for order in orders],
        "seller_ids": [str(order.seller_id) for order in orders],
    }
    return _of_group("confirmed", group, payload)


def order_expired(group: Group) -> DomainEvent:
    return _of_group("expired", group, {})


def group_cancelled(group: Group, *, reason: str) -> DomainEvent:
    """Before the payment: nothing to restock or refund, so it names no lines."""
    payload: dict[str, JSON] = {
        "order_id": None,
        "seller_id": None,
        "reason": reason,
        "paid": False,
        "total": group.total,
        "currency": group.currency,
        "lines": [],
    }
    return _of_group("cancelled", group, payload)


def order_cancelled(order: Order, lines: Sequence[Line], *, reason: str, actor_id: UUID | None) -> DomainEvent:
    """After the payment: its lines are restocked and its share is refunded."""
    payload: dict[str, JSON] = {
        "reason": reason,
        "paid": True,
        "total": order.total,
        "currency": order.currency,
        "lines": [
            {
                "line_id": str(line.id),
                "variant_id": str(line.variant_id),
                "quantity": line.quantity,
                "total": line.total,
            }
            for line in lines
        ],
    }
    return _of_order("cancelled", order, payload, actor_id)


def order_shipped(
    order: Order, lines: Sequence[Line], *, shipment_id: UUID, parcel: Mapping[UUID, int], actor_id: UUID | None
) -> DomainEvent:
    """`parcel` is what left: the quantity by line."""
    payload: dict[str, JSON] = {
        "shipment_id": str(shipment_id),
        "lines": [
            {"line_id": str(line.id), "variant_id": str(line.variant_id), "quantity": parcel[line.id]}
            for line in lines
            if line.id in parcel
        ],
    }
    return _of_order("shipped", order, payload, actor_id)


def order_delivered(
    order: Order, lines: Sequence[Line], *, delivered_at: datetime, actor_id: UUID | None
) -> DomainEvent:
    payload: dict[str, JSON] = {
        "delivered_at": format_timestamp(delivered_at),
        "lines": [
            {
                "line_id": str(line.id),
                "product_id": str(line.product_id),
                "variant_id": str(line.variant_id),
                "quantity": line.quantity,
            }
            for line in lines
        ],
    }
    return _of_order("delivered", order, payload, actor_id)


def _of_group(what: str, group: Group, payload: Mapping[str, JSON]) -> DomainEvent:
    ids: dict[str, JSON] = {"order_group_id": str(group.id), "buyer_id": str(group.buyer_id)}
    return DomainEvent(f"order.{what}", "order", group.id, group.version, ids | dict(payload))


def _of_order(what: str, order: Order, payload: Mapping[str, JSON], actor_id: UUID | None) -> DomainEvent:
    ids: dict[str, JSON] = {
        "actor_id": str(actor_id) if actor_id else None,
        "order_group_id": str(order.group_id),
        "order_id": str(order.id),
        "buyer_id": str(order.buyer_id),
        "seller_id": str(order.seller_id),
    }
    return DomainEvent(f"order.{what}", "order", order.id, order.version, ids | dict(payload))


def _figures(group: Group, orders: Sequence[PlacedOrder]) -> dict[str, JSON]:
    return {"currency": group.currency, "total": group.total, "orders": [_order(placed) for placed in orders]}


def _order(placed: PlacedOrder) -> JSON:
    order = placed.order
    return {
        "order_id": str(order.id),
        "seller_id": str(order.seller_id),
        "subtotal": order.subtotal,
        "discount": order.discount,
        "shipping": order.shipping,
        "tax": order.tax,
        "total": order.total,
        "lines": [_line(line) for line in placed.lines],
    }


def _line(line: Line) -> JSON:
    return {
        "line_id": str(line.id),
        "product_id": str(line.product_id),
        "variant_id": str(line.variant_id),
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "discount": line.discount,
        "total": line.total,
        "commission_bps": line.commission_bps,
    }

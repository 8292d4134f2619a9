"""What inventory tells the others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from shared.clock import format_timestamp
from shared.messaging.contract import JSON, DomainEvent
from subgraphs.inventory.domain import OrderedLine, Reservation, ReservationLine, Shortage, VariantStock


def reserved(reservation: Reservation, lines: Sequence[OrderedLine], *, expires_at: datetime) -> DomainEvent:
    held: list[JSON] = [
        {"line_id": str(line.line_id), "variant_id": str(line.variant_id), "quantity": line.quantity} for line in lines
    ]
    return _of(
        reservation, "reserved", reservation_id=str(reservation.id), expires_at=format_timestamp(expires_at), lines=held
    )


def reservation_failed(reservation: Reservation, shortages: Sequence[Shortage]) -> DomainEvent:
    short: list[JSON] = [
        {"variant_id": str(s.variant_id), "requested": s.requested, "available": s.available} for s in shortages
    ]
    return _of(reservation, "reservation_failed", shortages=short)


def committed(reservation: Reservation) -> DomainEvent:
    return _of(reservation, "committed", reservation_id=str(reservation.id))


def released(reservation: Reservation, lines: Sequence[ReservationLine], *, order_id: UUID | None) -> DomainEvent:
    free: list[JSON] = [{"variant_id": str(line.variant_id), "quantity": line.quantity} for line in lines]
    return _of(reservation, "released", order_id=str(order_id) if order_id else None, lines=free)


def stock_changed(stock: VariantStock) -> DomainEvent:
    payload: dict[str, JSON] = {
        "variant_id": str(stock.variant_id),
        "product_id": str(stock.product_id),
        "seller_id": str(stock.seller_id),
        "available": stock.available,
        "version": stock.version,
    }
    return DomainEvent("inventory.stock_changed", "variant_stock", stock.variant_id, stock.version, payload)


def low(stock: VariantStock) -> DomainEvent:
    payload: dict[str, JSON] = {
        "variant_id": str(stock.variant_id),
        "seller_id": str(stock.seller_id),
        "available": stock.available,
        "threshold": stock.low_threshold,
    }
    return DomainEvent("inventory.low", "variant_stock", stock.variant_id, stock.version, payload)


def _of(reservation: Reservation, what: str, **payload: JSON) -> DomainEvent:
    return DomainEvent(
        f"inventory.{what}",
        "reservation",
        reservation.id,
        reservation.version,
        {"order_group_id": str(reservation.order_group_id), **payload},
    )

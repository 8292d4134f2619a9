"""The rules of stock: available = on hand - reserved, at every location, at every moment, and never below zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field, field_validator

from shared.commands import Command, Input

MAX_QUANTITY = 10_000_000
MAX_WATCHED_VARIANTS = 50
Quantity = Annotated[int, Field(ge=1, le=MAX_QUANTITY)]


class ReservationStatus(StrEnum):
    HELD = "HELD"
    COMMITTED = "COMMITTED"
    RELEASED = "RELEASED"
    FAILED = "FAILED"
    PAID_EARLY = "PAID_EARLY"
    """The payment was told before the checkout itself: held and committed at once when that comes."""


class LineStatus(StrEnum):
    HELD = "HELD"
    COMMITTED = "COMMITTED"
    RELEASED = "RELEASED"


class MovementKind(StrEnum):
    RECEIVED = "RECEIVED"
    ADJUSTED = "ADJUSTED"
    RESERVED = "RESERVED"
    RELEASED = "RELEASED"
    COMMITTED = "COMMITTED"
    RESTOCKED = "RESTOCKED"


class StockLevel(StrEnum):
    IN_STOCK = "IN_STOCK"
    LOW = "LOW"
    OUT = "OUT"


class CreateStockLocation(Command):
    name: Annotated[str, Field(min_length=1, max_length=120)]


class ReceiveStock(Command):
    location_id: UUID
    variant_id: UUID
    quantity: Quantity


class AdjustStock(Command):
    location_id: UUID
    variant_id: UUID
    delta: Annotated[int, Field(ge=-MAX_QUANTITY, le=MAX_QUANTITY)]
    reason: Annotated[str, Field(min_length=1, max_length=500)]

    @field_validator("delta")
    @classmethod
    def changes_something(cls, delta: int) -> int:
        if delta == 0:
            raise ValueError("The adjustment must change something.")
        return delta


class SetLowStockThreshold(Command):
    variant_id: UUID
    threshold: Annotated[int, Field(ge=0, le=MAX_QUANTITY)]


class WatchStock(Input):
    variant_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=MAX_WATCHED_VARIANTS)]


@dataclass(frozen=True, slots=True)
class VariantOwner:
    variant_id: UUID
    product_id: UUID
    seller_id: UUID
    version: int


@dataclass(eq=False)
class VariantStock:
    """A variant over all locations: what may be promised. `version` orders its stock_changed events."""

    variant_id: UUID
    product_id: UUID
    seller_id: UUID
    available: int
    low_threshold: int
    version: int

    def change(self, delta: int) -> bool:
        """Add `delta`; answers whether that took it down to or below its threshold from above."""
        before, self.available = self.available, self.available + delta
        self.version += 1
        return before > self.low_threshold >= self.available

    @property
    def level(self) -> StockLevel:
        return level_of(self.available, self.low_threshold)


@dataclass(eq=False)
class StockLocation:
    id: UUID
    seller_id: UUID
    name: str
    version: int
    created_at: datetime


@dataclass(eq=False)
class StockItem:
    """One variant at one location. `reserved` of the `on_hand` units are promised to checkouts."""

    id: UUID
    location_id: UUID
    variant_id: UUID
    seller_id: UUID
    on_hand: int
    reserved: int
    created_at: datetime

    @property
    def free(self) -> int:
        return self.on_hand - self.reserved

    def apply(self, kind: MovementKind, quantity: int) -> None:
        """Move units; `quantity` is positive but for an adjustment. The table's CHECKs are the last word."""
        match kind:
            case MovementKind.RECEIVED | MovementKind.ADJUSTED | MovementKind.RESTOCKED:
                self.on_hand += quantity
            case MovementKind.RESERVED:
                self.reserved += quantity
            case MovementKind.RELEASED:
                self.reserved -= quantity
            case MovementKind.COMMITTED:
                self.on_hand -= quantity
                self.reserved -= quantity


@dataclass(eq=False)
class StockMovement:
    """What happened to a stock item, kept for ever."""

    id: UUID
    stock_item_id: UUID
    variant_id: UUID
    seller_id: UUID
    kind: MovementKind
    quantity: int
    on_hand_after: int
    reserved_after: int
    order_group_id: UUID | None
    actor_id: UUID | None
    reason: str
    created_at: datetime


@dataclass(eq=False)
class Reservation:
    """What a checkout holds, or a trace of what was told before the checkout itself."""

    order_group_id: UUID
    id: UUID
    status: ReservationStatus
    expires_at: datetime | None
    version: int
    created_at: datetime

    def move_to(self, status: ReservationStatus) -> None:
        self.status = status
        self.version += 1


@dataclass(eq=False)
class ReservationLine:
    """Units of one order line at one location."""

    id: UUID
    order_group_id: UUID
    line_id: UUID
    variant_id: UUID
    stock_item_id: UUID
    quantity: int
    status: LineStatus


@dataclass(frozen=True, slots=True)
class OrderedLine:
    line_id: UUID
    variant_id: UUID
    quantity: int


@dataclass(frozen=True, slots=True)
class Shortage:
    variant_id: UUID
    requested: int
    available: int


@dataclass(frozen=True, slots=True)
class Availability:
    """What may be promised of a variant, or of all variants of a product together."""

    available: int
    level: StockLevel


OUT_OF_STOCK = Availability(available=0, level=StockLevel.OUT)


@dataclass(frozen=True, slots=True)
class Shelved:
    """What lies of a variant over all locations, and what of it is held."""

    on_hand: int
    reserved: int

    @property
    def free(self) -> int:
        return self.on_hand - self.reserved


@dataclass(slots=True)
class Shelf:
    """Free units of a variant by location, taken from in a fixed order."""

    free: dict[UUID, int] = field(default_factory=dict)

    def take(self, quantity: int) -> list[tuple[UUID, int]]:
        """Which stock items give how much. The caller knows that together they have enough."""
        taken: list[tuple[UUID, int]] = []
        for item_id, free in self.free.items():
            part = min(free, quantity)
            if part:
                taken.append((item_id, part))
                self.free[item_id] -= part
                quantity -= part
        if quantity:
            raise ValueError(f"{quantity} units are missing on the shelf")
        return taken


def level_of(available: int, threshold: int) -> StockLevel:
    if available <= 0:
        return StockLevel.OUT
    return StockLevel.LOW if available <= threshold else StockLevel.IN_STOCK


def demand(lines: Sequence[OrderedLine]) -> Mapping[UUID, int]:
    """Units per variant, in the order of the variants' ids: everybody locks in this order, so nobody waits in a circle."""
    wanted: dict[UUID, int] = {}
    for line in sorted(lines, key=lambda line: line.variant_id):
        wanted[line.variant_id] = wanted.get(line.variant_id, 0) + line.quantity
    return wanted

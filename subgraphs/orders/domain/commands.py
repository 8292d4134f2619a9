"""What may be asked of orders, validated."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from shared.commands import Command, Input
from subgraphs.orders.domain.cart import MAX_LINES, MAX_QUANTITY
from subgraphs.orders.domain.sales import SalesInterval, count_intervals

Quantity = Annotated[int, Field(ge=1, le=MAX_QUANTITY)]
CartToken = Annotated[str, Field(min_length=32, max_length=128, pattern=r"^[A-Za-z0-9_-]+$")]
Version = Annotated[int, Field(ge=1)]
MAX_SALES_INTERVALS = 366
"""A leap year by days."""


class CartCommand(Command):
    """A signed-in user has one open cart; a guest names theirs by its secret token."""

    cart_token: CartToken | None = None


class AddToCart(CartCommand):
    variant_id: UUID
    quantity: Quantity = 1


class UpdateCartLine(CartCommand):
    line_id: UUID
    quantity: Quantity


class RemoveCartLine(CartCommand):
    line_id: UUID


class AcceptCartPrices(CartCommand):
    pass


class MergeCart(Command):
    cart_token: CartToken


class Checkout(Command):
    cart_version: Version


class CancelOrderGroup(Command):
    order_group_id: UUID


class CancelOrder(Command):
    order_id: UUID


class ShipmentLineInput(Input):
    line_id: UUID
    quantity: Quantity


class ShipOrder(Command):
    """Without `lines`, everything that has not been shipped yet."""

    order_id: UUID
    carrier: Annotated[str, Field(min_length=1, max_length=80)]
    tracking_code: Annotated[str, Field(max_length=120)] = ""
    lines: Annotated[tuple[ShipmentLineInput, ...], Field(max_length=MAX_LINES)] = ()


class DeliverOrder(Command):
    order_id: UUID


class SalesPeriod(Input):
    """What a sales report covers: from `since` to before `until`, both in UTC, divided by `interval`."""

    since: datetime
    until: datetime
    interval: SalesInterval

    @model_validator(mode="after")
    def _is_a_period_of_few_intervals(self) -> Self:
        if self.until <= self.since:
            raise ValueError("`to` must be later than `from`.")
        if count_intervals(self.since, self.until, self.interval) > MAX_SALES_INTERVALS:
            raise ValueError(f"A report has at most {MAX_SALES_INTERVALS} intervals: ask for longer ones or less time.")
        return self

"""What clients send; each input names the pydantic model it must pass."""

from __future__ import annotations

from typing import ClassVar

import strawberry

from shared.commands import Input
from subgraphs.orders.domain import commands

KEY = "Chosen by the client, unique per attempt to write: the same key never acts twice."
TOKEN = "The secret of a guest's cart. Not needed by a signed-in user, who has one cart."  # noqa: S105 — a description.


@strawberry.input(description="Something to put into the cart; the first line of a guest opens one.")
class AddToCartInput:
    command: ClassVar[type[Input]] = commands.AddToCart
    idempotency_key: str = strawberry.field(description=KEY)
    cart_token: str | None = strawberry.field(default=None, description=TOKEN)
    variant_id: strawberry.ID = strawberry.field(description="What to add.")
    quantity: int = strawberry.field(default=1, description="Pieces, 1 to 999, on top of what is there.")


@strawberry.input(description="Another quantity for a line, at today's price.")
class UpdateCartLineInput:
    command: ClassVar[type[Input]] = commands.UpdateCartLine
    idempotency_key: str = strawberry.field(description=KEY)
    cart_token: str | None = strawberry.field(default=None, description=TOKEN)
    line_id: strawberry.ID = strawberry.field(description="The line.")
    quantity: int = strawberry.field(description="Pieces, 1 to 999.")


@strawberry.input(description="A line to take out of the cart.")
class RemoveCartLineInput:
    command: ClassVar[type[Input]] = commands.RemoveCartLine
    idempotency_key: str = strawberry.field(description=KEY)
    cart_token: str | None = strawberry.field(default=None, description=TOKEN)
    line_id: strawberry.ID = strawberry.field(description="The line.")


@strawberry.input(description="Agreement to today's price of everything in the cart.")
class AcceptCartPricesInput:
    command: ClassVar[type[Input]] = commands.AcceptCartPrices
    idempotency_key: str = strawberry.field(description=KEY)
    cart_token: str | None = strawberry.field(default=None, description=TOKEN)


@strawberry.input(description="A guest's cart to take over after signing in.")
class MergeCartInput:
    command: ClassVar[type[Input]] = commands.MergeCart
    idempotency_key: str = strawberry.field(description=KEY)
    cart_token: str = strawberry.field(description="The secret of the guest's cart.")


@strawberry.input(description="The decision to buy what is in one's cart.")
class CheckoutInput:
    command: ClassVar[type[Input]] = commands.Checkout
    idempotency_key: str = strawberry.field(description=KEY)
    cart_version: int = strawberry.field(description="The version of the cart that the buyer has seen.")


@strawberry.input(description="A checkout to give up before it is paid.")
class CancelOrderGroupInput:
    command: ClassVar[type[Input]] = commands.CancelOrderGroup
    idempotency_key: str = strawberry.field(description=KEY)
    order_group_id: strawberry.ID = strawberry.field(description="The checkout.")


@strawberry.input(description="One seller's order to cancel after the payment, before anything has left.")
class CancelOrderInput:
    command: ClassVar[type[Input]] = commands.CancelOrder
    idempotency_key: str = strawberry.field(description=KEY)
    order_id: strawberry.ID = strawberry.field(description="The order.")


@strawberry.input(description="How much of a line goes into a parcel.")
class ShipmentLineInput:
    line_id: strawberry.ID = strawberry.field(description="The order's line.")
    quantity: int = strawberry.field(description="Pieces, at least 1.")


@strawberry.input(description="A parcel that a seller sends.")
class ShipOrderInput:
    command: ClassVar[type[Input]] = commands.ShipOrder
    idempotency_key: str = strawberry.field(description=KEY)
    order_id: strawberry.ID = strawberry.field(description="The order.")
    carrier: str = strawberry.field(description="Who carries it, up to 80 characters.")
    tracking_code: str = strawberry.field(default="", description="The carrier's number, up to 120 characters.")
    lines: list[ShipmentLineInput] = strawberry.field(
        default_factory=list, description="What is in it; empty: all that is left to ship."
    )


@strawberry.input(description="An order that has reached its buyer.")
class DeliverOrderInput:
    command: ClassVar[type[Input]] = commands.DeliverOrder
    idempotency_key: str = strawberry.field(description=KEY)
    order_id: strawberry.ID = strawberry.field(description="The order.")

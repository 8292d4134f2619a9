"""What clients send; each input names the pydantic model it must pass."""

from __future__ import annotations

from typing import ClassVar

import strawberry

from shared.commands import Input
from shared.graphql.scalars import Cents
from subgraphs.payments.domain import commands
from subgraphs.payments.domain.refund import RefundReason

KEY = "Chosen by the client, unique per attempt to write: the same key never acts twice."

strawberry.enum(RefundReason, description="Why money goes back; the last two are the platform's own.")


@strawberry.input(description="An attempt to pay a checkout group.")
class StartPaymentInput:
    command: ClassVar[type[Input]] = commands.StartPayment
    idempotency_key: str = strawberry.field(description=KEY)
    order_group_id: strawberry.ID = strawberry.field(description="The checkout group, all its orders together.")
    payment_method: str = strawberry.field(description="The provider's token of a means of payment, such as pm_ok.")


@strawberry.input(description="A look at the provider for a payment that is under way.")
class ConfirmPaymentInput:
    command: ClassVar[type[Input]] = commands.ConfirmPayment
    idempotency_key: str = strawberry.field(description=KEY)
    payment_id: strawberry.ID = strawberry.field(description="The payment.")


@strawberry.input(description="How much of one line goes back.")
class RefundLineInput:
    line_id: strawberry.ID = strawberry.field(description="The line; the order's own id stands for shipping and tax.")
    amount: Cents | None = strawberry.field(default=None, description="Cents; all that is left of the line if omitted.")


@strawberry.input(description="A refund of an order: all that is left of it, an amount, or some of its lines.")
class RefundOrderInput:
    command: ClassVar[type[Input]] = commands.RefundOrder
    idempotency_key: str = strawberry.field(description=KEY)
    order_id: strawberry.ID = strawberry.field(description="The order.")
    amount: Cents | None = strawberry.field(default=None, description="Cents, spread over all lines. Not with lines.")
    lines: list[RefundLineInput] | None = strawberry.field(default=None, description="Lines. Not with an amount.")
    reason: RefundReason = strawberry.field(description="Why.")


@strawberry.input(description="Pay all sellers what is available to them.")
class RunPayoutsInput:
    command: ClassVar[type[Input]] = commands.RunPayouts
    idempotency_key: str = strawberry.field(description=KEY)
    period: str = strawberry.field(description="ISO week, such as 2026-W48: a seller is paid once in each.")

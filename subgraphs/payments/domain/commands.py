"""What clients may ask of payments, validated."""

from __future__ import annotations

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, field_validator, model_validator

from shared.commands import Command, Input
from shared.money import MAX_CENTS
from subgraphs.payments.domain.refund import REQUESTABLE, RefundReason

MethodToken = Annotated[str, Field(pattern=r"^pm_[A-Za-z0-9_]{1,64}$")]
"""The provider's token of a card or account; the number itself never comes here."""
Amount = Annotated[int, Field(ge=1, le=MAX_CENTS)]
Period = Annotated[str, Field(pattern=r"^\d{4}-W(0[1-9]|[1-4]\d|5[0-3])$")]
"""An ISO week, such as 2026-W48."""


class StartPayment(Command):
    order_group_id: UUID
    payment_method: MethodToken


class ConfirmPayment(Command):
    payment_id: UUID


class RefundedLine(Input):
    """`amount` None: all that is left of the line."""

    line_id: UUID
    amount: Amount | None = None


class RefundOrder(Command):
    """All that is left of an order, a partial amount, or an amount for each of some lines."""

    order_id: UUID
    amount: Amount | None = None
    lines: Annotated[tuple[RefundedLine, ...], Field(max_length=500)] | None = None
    reason: RefundReason

    @field_validator("reason")
    @classmethod
    def _is_a_persons_reason(cls, reason: RefundReason) -> RefundReason:
        if reason not in REQUESTABLE:
            raise ValueError("This reason is given by the platform alone.")
        return reason

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if self.lines is not None and (self.amount is not None or not self.lines):
            raise ValueError("Give an amount or lines or neither.")
        if self.lines and len({line.line_id for line in self.lines}) < len(self.lines):
            raise ValueError("Name each line once.")
        return self


class RunPayouts(Command):
    period: Period

"""Payments, refunds and what payments knows of orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from shared.db.keyset import PageRequest
from shared.graphql.scalars import Cents
from shared.graphql.types import PAGED, Connection, Money, Node, UserError, connection
from subgraphs.payments.domain import payment as payment_domain
from subgraphs.payments.domain import refund as refund_domain
from subgraphs.payments.domain.payment import PaymentStatus
from subgraphs.payments.domain.refund import RefundReason, RefundStatus
from subgraphs.payments.errors import PaymentsErrorCode
from subgraphs.payments.graphql.context import Info

strawberry.enum(PaymentStatus, description="Where a payment stands.")
strawberry.enum(RefundStatus, description="Where a refund stands.")
strawberry.enum(PaymentsErrorCode, name="ErrorCode", description="Why a mutation was refused.")

_UNKNOWN = Money.cents(0, "XXX")
"""What stands for a field that the gateway did not send along; nobody can select it here."""


@strawberry.federation.type(keys=["id"], description="The payment of a checkout group.")
class Payment(Node):
    status: PaymentStatus = strawberry.field(description="Where it stands.")
    amount: Money = strawberry.field(description="What is to be paid, or was.")
    attempt: int = strawberry.field(description="How many times the buyer has tried.")
    failure_reason: str | None = strawberry.field(description="Why the last attempt failed, in the provider's words.")
    captured_at: datetime | None = strawberry.field(description="When the money came.")
    created_at: datetime = strawberry.field(description="When the first attempt began.")
    order_group: OrderGroup = strawberry.field(description="What it pays.")
    captured: strawberry.Private[bool]

    @classmethod
    def of(cls, payment: payment_domain.Payment) -> Payment:
        return cls(
            id=strawberry.ID(str(payment.id)),
            status=payment.status,
            amount=Money.of(payment.money),
            attempt=payment.attempt,
            failure_reason=payment.failure_reason,
            captured_at=payment.captured_at,
            created_at=payment.created_at,
            order_group=OrderGroup(id=strawberry.ID(str(payment.group_id))),
            captured=payment.status is PaymentStatus.CAPTURED,
        )

    @classmethod
    async def resolve_references(cls, info: Info, references: list[dict[str, Any]]) -> Sequence[Payment | None]:
        found = await info.context.payment_by_id.load_many([UUID(reference["id"]) for reference in references])
        return [cls.of(payment) if payment else None for payment in found]

    @strawberry.field(description="What went back to the buyer or is on its way.")
    async def refunded(self, info: Info) -> Money:
        promised = await info.context.promised_by_payment.load(UUID(self.id))
        return Money.cents(promised or 0, self.amount.currency)

    @strawberry.field(description="What can still be refunded.")
    async def refundable(self, info: Info) -> Money:
        promised = await info.context.promised_by_payment.load(UUID(self.id))
        captured = self.amount.amount if self.captured else 0
        return Money.cents(captured - (promised or 0), self.amount.currency)

    @strawberry.field(directives=[PAGED], description="Its refunds, newest first.")
    async def refunds(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Refund]:
        key = UUID(self.id)
        page = await info.context.refunds_by_payment.load((key, PageRequest.of(first, after, last, before)))

        async def count() -> int:
            return await info.context.refund_count_by_payment.load(key) or 0

        return connection(page, Refund.of, count)


@strawberry.type(description="What a refund takes from one line.")
class RefundLine:
    line_id: strawberry.ID = strawberry.field(description="The line; an order's own id stands for shipping and tax.")
    amount: Money = strawberry.field(description="What goes back of it.")


@strawberry.federation.type(keys=["id"], description="Money that goes back to a buyer.")
class Refund(Node):
    status: RefundStatus = strawberry.field(description="Where it stands.")
    amount: Money = strawberry.field(description="How much.")
    reason: RefundReason = strawberry.field(description="Why.")
    failure_reason: str | None = strawberry.field(description="Why the provider refused it.")
    created_at: datetime = strawberry.field(description="When it was decided.")
    order: Order | None = strawberry.field(description="The order; null for a refund of the whole group.")
    payment_id: strawberry.Private[UUID]

    @classmethod
    def of(cls, refund: refund_domain.Refund) -> Refund:
        return cls(
            id=strawberry.ID(str(refund.id)),
            status=refund.status,
            amount=Money.of(refund.money),
            reason=refund.reason,
            failure_reason=refund.failure_reason,
            created_at=refund.created_at,
            order=Order(id=strawberry.ID(str(refund.order_id))) if refund.order_id else None,
            payment_id=refund.payment_id,
        )

    @classmethod
    async def resolve_references(cls, info: Info, references: list[dict[str, Any]]) -> Sequence[Refund | None]:
        found = await info.context.refund_by_id.load_many([UUID(reference["id"]) for reference in references])
        return [cls.of(refund) if refund else None for refund in found]

    @strawberry.field(description="The payment it is taken from, if you may see it.")
    async def payment(self, info: Info) -> Payment | None:
        found = await info.context.payment_by_id.load(self.payment_id)
        return Payment.of(found) if found else None

    @strawberry.field(description="What it takes from each line; as many as the order has.")
    async def lines(self, info: Info) -> list[RefundLine]:
        lines = await info.context.lines_by_refund.load(UUID(self.id))
        currency = self.amount.currency
        return [
            RefundLine(line_id=strawberry.ID(str(line.item_id)), amount=Money.cents(line.amount, currency))
            for line in lines or ()
        ]


@strawberry.federation.type(keys=["id"], description="All orders of one checkout, paid together.")
class OrderGroup:
    id: strawberry.ID = strawberry.field(description="UUID v4.")

    @strawberry.field(description="Its payment, once one was started and if you may see it.")
    async def payment(self, info: Info) -> Payment | None:
        found = await info.context.payment_by_group.load(UUID(self.id))
        return Payment.of(found) if found else None


@strawberry.federation.type(keys=["id"], description="One seller's part of a checkout.")
class Order:
    id: strawberry.ID = strawberry.field(description="UUID v4.")
    total: Money = strawberry.federation.field(
        external=True, default_factory=lambda: _UNKNOWN, description="What the order costs."
    )

    @classmethod
    async def resolve_references(cls, info: Info, references: list[dict[str, Any]]) -> Sequence[Order]:  # noqa: ARG003 — the protocol's signature.
        return [cls(id=reference["id"], total=_money(reference.get("total"))) for reference in references]

    @strawberry.field(description="The payment of its group, once one was started and if you may see it.")
    async def payment(self, info: Info) -> Payment | None:
        found = await info.context.payment_by_order.load(UUID(self.id))
        return Payment.of(found) if found else None

    @strawberry.field(directives=[PAGED], description="Its refunds, newest first.")
    async def refunds(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Refund]:
        key = UUID(self.id)
        page = await info.context.refunds_by_order.load((key, PageRequest.of(first, after, last, before)))

        async def count() -> int:
            return await info.context.refund_count_by_order.load(key) or 0

        return connection(page, Refund.of, count)

    @strawberry.federation.field(
        requires=["total { amount currency }"], description="What can still be refunded of it; zero until it is paid."
    )
    async def refundable(self, info: Info) -> Money:
        payment = await info.context.payment_by_order.load(UUID(self.id))
        if payment is None or payment.status is not PaymentStatus.CAPTURED:
            return Money.cents(0, self.total.currency)
        promised = await info.context.promised_by_order.load(UUID(self.id))
        return Money.cents(self.total.amount - (promised or 0), self.total.currency)


def _money(sent: dict[str, Any] | None) -> Money:
    return Money(amount=Cents(sent["amount"]), currency=sent["currency"]) if sent else _UNKNOWN


@strawberry.type(description="What a mutation of a payment answers.")
class PaymentPayload:
    payment: Payment | None = strawberry.field(description="The payment as it stands now: it may still be under way.")
    user_errors: list[UserError[PaymentsErrorCode]] = strawberry.field(description="Why it was refused; empty if not.")


@strawberry.type(description="What refundOrder answers.")
class RefundOrderPayload:
    refund: Refund | None = strawberry.field(description="The refund as it stands now: it may still be under way.")
    user_errors: list[UserError[PaymentsErrorCode]] = strawberry.field(description="Why it was refused; empty if not.")

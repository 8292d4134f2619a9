"""Writes of payments. Each decides in one transaction, then calls the provider outside of it, then answers what is."""

from __future__ import annotations

from uuid import UUID

import strawberry

from shared.db.idempotency import Outcome
from shared.graphql.types import user_errors
from subgraphs.payments.errors import PaymentsErrorCode
from subgraphs.payments.graphql.context import Info
from subgraphs.payments.graphql.inputs import (
    ConfirmPaymentInput,
    RefundOrderInput,
    RunPayoutsInput,
    StartPaymentInput,
)
from subgraphs.payments.graphql.ledger_types import RunPayoutsPayload
from subgraphs.payments.graphql.types import Payment, PaymentPayload, Refund, RefundOrderPayload


@strawberry.type
class Mutation:
    @strawberry.mutation(
        description="Pay a checkout group. A declined payment may be tried again, with a new key, until the deadline."
    )
    async def start_payment(self, info: Info, input: StartPaymentInput) -> PaymentPayload:
        context = info.context
        outcome = await context.write("startPayment", input, context.payments.start_payment)
        if attempt_id := outcome.ids.get("attempt"):
            await context.settlement.charge(UUID(attempt_id))
        return await _payment_payload(info, outcome)

    @strawberry.mutation(description="See at the provider how a payment that is under way stands.")
    async def confirm_payment(self, info: Info, input: ConfirmPaymentInput) -> PaymentPayload:
        context = info.context
        outcome = await context.write("confirmPayment", input, context.payments.confirm_payment)
        if attempt_id := outcome.ids.get("attempt"):
            await context.settlement.ask(UUID(attempt_id))
        return await _payment_payload(info, outcome)

    @strawberry.mutation(description="Give money of an order back (its seller, support, finance).")
    async def refund_order(self, info: Info, input: RefundOrderInput) -> RefundOrderPayload:
        context = info.context
        outcome = await context.write("refundOrder", input, context.refunds.refund_order)
        refund = None
        if refund_id := outcome.ids.get("refund"):
            await context.settlement.refund(UUID(refund_id))
            refund = await context.refund_by_id.load(UUID(refund_id))
        return RefundOrderPayload(
            refund=Refund.of(refund) if refund else None, user_errors=user_errors(outcome, PaymentsErrorCode)
        )

    @strawberry.mutation(description="Pay all approved sellers what is available to them (finance).")
    async def run_payouts(self, info: Info, input: RunPayoutsInput) -> RunPayoutsPayload:
        context = info.context
        outcome = await context.write("runPayouts", input, context.payouts.run_payouts)
        run_id = outcome.ids.get("run")
        if run_id:
            await context.settlement.pay_out(UUID(run_id))
        return RunPayoutsPayload(
            run_id=strawberry.ID(run_id) if run_id else None, user_errors=user_errors(outcome, PaymentsErrorCode)
        )


async def _payment_payload(info: Info, outcome: Outcome) -> PaymentPayload:
    payment_id = outcome.ids.get("payment")
    payment = await info.context.payment_by_id.load(UUID(payment_id)) if payment_id else None
    return PaymentPayload(
        payment=Payment.of(payment) if payment else None, user_errors=user_errors(outcome, PaymentsErrorCode)
    )

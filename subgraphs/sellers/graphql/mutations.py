"""Writes of sellers."""

from __future__ import annotations

from uuid import UUID

import strawberry

from shared.db.idempotency import Outcome
from shared.graphql.types import user_errors
from subgraphs.sellers.errors import SellersErrorCode
from subgraphs.sellers.graphql.context import Info
from subgraphs.sellers.graphql.inputs import (
    ApplyAsSellerInput,
    ApproveSellerInput,
    InviteMemberInput,
    ReinstateSellerInput,
    RejectSellerInput,
    RequestChangesInput,
    SetCommissionRuleInput,
    SetPayoutAccountInput,
    SubmitVerificationInput,
    SuspendSellerInput,
    UpdateSellerProfileInput,
)
from subgraphs.sellers.graphql.types import CommissionRule, CommissionRulePayload, Seller, SellerPayload


@strawberry.type
class Mutation:
    @strawberry.mutation(description="Apply to sell on the marketplace (anybody signed in, one application at a time).")
    async def apply_as_seller(self, info: Info, input: ApplyAsSellerInput) -> SellerPayload:
        use_case = info.context.service.applications.apply
        return await _payload(info, await info.context.write("applyAsSeller", input, use_case))

    @strawberry.mutation(description="Hand in documents to be verified (the owner).")
    async def submit_verification(self, info: Info, input: SubmitVerificationInput) -> SellerPayload:
        use_case = info.context.service.applications.submit_verification
        return await _payload(info, await info.context.write("submitVerification", input, use_case))

    @strawberry.mutation(description="Ask an applicant for more or other documents (support, admin).")
    async def request_changes(self, info: Info, input: RequestChangesInput) -> SellerPayload:
        use_case = info.context.service.applications.request_changes
        return await _payload(info, await info.context.write("requestChanges", input, use_case))

    @strawberry.mutation(description="Let a verified applicant sell (support, admin).")
    async def approve_seller(self, info: Info, input: ApproveSellerInput) -> SellerPayload:
        use_case = info.context.service.applications.approve
        return await _payload(info, await info.context.write("approveSeller", input, use_case))

    @strawberry.mutation(description="Turn an application down (support, admin).")
    async def reject_seller(self, info: Info, input: RejectSellerInput) -> SellerPayload:
        use_case = info.context.service.applications.reject
        return await _payload(info, await info.context.write("rejectSeller", input, use_case))

    @strawberry.mutation(description="Stop a seller from selling for now (admin).")
    async def suspend_seller(self, info: Info, input: SuspendSellerInput) -> SellerPayload:
        use_case = info.context.service.applications.suspend
        return await _payload(info, await info.context.write("suspendSeller", input, use_case))

    @strawberry.mutation(description="Let a suspended seller sell again (admin).")
    async def reinstate_seller(self, info: Info, input: ReinstateSellerInput) -> SellerPayload:
        use_case = info.context.service.applications.reinstate
        return await _payload(info, await info.context.write("reinstateSeller", input, use_case))

    @strawberry.mutation(description="Change what your seller says of itself (owner, members).")
    async def update_seller_profile(self, info: Info, input: UpdateSellerProfileInput) -> SellerPayload:
        use_case = info.context.service.profile.update
        return await _payload(info, await info.context.write("updateSellerProfile", input, use_case))

    @strawberry.mutation(description="Let another person act for your seller (the owner).")
    async def invite_member(self, info: Info, input: InviteMemberInput) -> SellerPayload:
        use_case = info.context.service.profile.invite_member
        return await _payload(info, await info.context.write("inviteMember", input, use_case))

    @strawberry.mutation(description="Say where your seller is paid (the owner).")
    async def set_payout_account(self, info: Info, input: SetPayoutAccountInput) -> SellerPayload:
        use_case = info.context.service.profile.set_payout_account
        return await _payload(info, await info.context.write("setPayoutAccount", input, use_case))

    @strawberry.mutation(description="Set the platform's share of a seller's sales, or the default (finance, admin).")
    async def set_commission_rule(self, info: Info, input: SetCommissionRuleInput) -> CommissionRulePayload:
        context = info.context
        outcome = await context.write("setCommissionRule", input, context.service.commissions.set_rule)
        rule_id = outcome.ids.get("commission_rule")
        rule = await context.rule_by_id.load(UUID(rule_id)) if rule_id else None
        return CommissionRulePayload(
            commission_rule=CommissionRule.of(rule) if rule else None,
            user_errors=user_errors(outcome, SellersErrorCode),
        )


async def _payload(info: Info, outcome: Outcome) -> SellerPayload:
    seller_id = outcome.ids.get("seller")
    seller = await info.context.seller_by_id.load(UUID(seller_id)) if seller_id else None
    return SellerPayload(
        seller=Seller.of(seller) if seller else None, user_errors=user_errors(outcome, SellersErrorCode)
    )

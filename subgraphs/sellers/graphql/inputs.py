"""What clients send; each input names the pydantic model it must pass."""

from __future__ import annotations

from typing import ClassVar

import strawberry

from shared.commands import Input
from subgraphs.sellers.domain import commands
from subgraphs.sellers.graphql.enums import DocumentKind

KEY = "Chosen by the client, unique per attempt to write: the same key never acts twice."
SELLER = "The seller."
OWN_SELLER = "Your seller."
REASON = "Why, up to 500 characters; the seller reads it."


@strawberry.input(description="An application to sell.")
class ApplyAsSellerInput:
    command: ClassVar[type[Input]] = commands.ApplyAsSeller
    idempotency_key: str = strawberry.field(description=KEY)
    name: str = strawberry.field(description="What you trade as, 2 to 120 characters. Public once approved.")
    description: str = strawberry.field(default="", description="What you say of yourself, up to 2000 characters.")


@strawberry.input(description="A document to prove who you are.")
class VerificationDocumentInput:
    kind: DocumentKind = strawberry.field(description="What it shows.")
    reference: str = strawberry.field(description="Names the file where documents are kept.")


@strawberry.input(description="Documents to be verified by.")
class SubmitVerificationInput:
    command: ClassVar[type[Input]] = commands.SubmitVerification
    idempotency_key: str = strawberry.field(description=KEY)
    seller_id: strawberry.ID = strawberry.field(description=OWN_SELLER)
    documents: list[VerificationDocumentInput] = strawberry.field(description="One to ten.")


@strawberry.input(description="What an application lacks.")
class RequestChangesInput:
    command: ClassVar[type[Input]] = commands.RequestChanges
    idempotency_key: str = strawberry.field(description=KEY)
    seller_id: strawberry.ID = strawberry.field(description=SELLER)
    reason: str = strawberry.field(description=REASON)


@strawberry.input(description="A seller that may sell from now on.")
class ApproveSellerInput:
    command: ClassVar[type[Input]] = commands.ApproveSeller
    idempotency_key: str = strawberry.field(description=KEY)
    seller_id: strawberry.ID = strawberry.field(description=SELLER)


@strawberry.input(description="An application that is turned down.")
class RejectSellerInput:
    command: ClassVar[type[Input]] = commands.RejectSeller
    idempotency_key: str = strawberry.field(description=KEY)
    seller_id: strawberry.ID = strawberry.field(description=SELLER)
    reason: str = strawberry.field(description=REASON)


@strawberry.input(description="A seller that may not sell for now.")
class SuspendSellerInput:
    command: ClassVar[type[Input]] = commands.SuspendSeller
    idempotency_key: str = strawberry.field(description=KEY)
    seller_id: strawberry.ID = strawberry.field(description=SELLER)
    reason: str = strawberry.field(description=REASON)


@strawberry.input(description="A suspended seller that may sell again.")
class ReinstateSellerInput:
    command: ClassVar[type[Input]] = commands.ReinstateSeller
    idempotency_key: str = strawberry.field(description=KEY)
    seller_id: strawberry.ID = strawberry.field(description=SELLER)


@strawberry.input(description="Changes to what your seller says of itself; what is left out stays.")
class UpdateSellerProfileInput:
    command: ClassVar[type[Input]] = commands.UpdateSellerProfile
    idempotency_key: str = strawberry.field(description=KEY)
    seller_id: strawberry.ID = strawberry.field(description=OWN_SELLER)
    name: str | None = strawberry.field(default=strawberry.UNSET, description="2 to 120 characters.")
    slug: str | None = strawberry.field(
        default=strawberry.UNSET, description="Lower-case letters and digits joined by hyphens; unique."
    )
    description: str | None = strawberry.field(default=strawberry.UNSET, description="Up to 2000 characters.")


@strawberry.input(description="A person who shall act for your seller.")
class InviteMemberInput:
    command: ClassVar[type[Input]] = commands.InviteMember
    idempotency_key: str = strawberry.field(description=KEY)
    seller_id: strawberry.ID = strawberry.field(description=OWN_SELLER)
    user_id: strawberry.ID = strawberry.field(description="The person.")


@strawberry.input(description="The platform's share of sales.")
class SetCommissionRuleInput:
    command: ClassVar[type[Input]] = commands.SetCommissionRule
    idempotency_key: str = strawberry.field(description=KEY)
    seller_id: strawberry.ID | None = strawberry.field(
        default=None, description="Whose; left out for all sellers without a rule of their own."
    )
    rate_bps: int = strawberry.field(description="In basis points, 0 to 10000: 1000 is ten per cent.")


@strawberry.input(description="Where your seller is paid. It is sealed at once: nobody can read it back.")
class SetPayoutAccountInput:
    command: ClassVar[type[Input]] = commands.SetPayoutAccount
    idempotency_key: str = strawberry.field(description=KEY)
    seller_id: strawberry.ID = strawberry.field(description=OWN_SELLER)
    holder_name: str = strawberry.field(description="Whose account it is, up to 120 characters.")
    account_reference: str = strawberry.field(description="IBAN or domestic number; spaces do not count.")

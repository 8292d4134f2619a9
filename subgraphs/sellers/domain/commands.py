"""What may be asked of sellers, and in what form."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, PlainSerializer, SecretStr

from shared.commands import Command, Input
from shared.money import BASIS_POINTS
from subgraphs.sellers.domain.sellers import SLUG_LENGTH
from subgraphs.sellers.domain.terms import mask_account, normalise_account
from subgraphs.sellers.domain.verification import DocumentKind

Name = Annotated[str, Field(min_length=2, max_length=120)]
Slug = Annotated[str, Field(min_length=2, max_length=SLUG_LENGTH, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Description = Annotated[str, Field(max_length=2000)]
Reason = Annotated[str, Field(min_length=1, max_length=500)]


def _normalised(secret: SecretStr) -> SecretStr:
    return SecretStr(normalise_account(secret.get_secret_value()))


# A request's fingerprint is kept in the database. A fast hash of an account number there could be guessed from, so
# accounts that end alike count as alike in it.
AccountReference = Annotated[
    SecretStr,
    AfterValidator(_normalised),
    PlainSerializer(lambda secret: mask_account(secret.get_secret_value()), when_used="json"),
]


class ApplyAsSeller(Command):
    name: Name
    description: Description = ""


class Document(Input):
    kind: DocumentKind
    reference: Annotated[str, Field(min_length=1, max_length=500)]


class SubmitVerification(Command):
    seller_id: UUID
    documents: Annotated[tuple[Document, ...], Field(min_length=1, max_length=10)]


class RequestChanges(Command):
    seller_id: UUID
    reason: Reason


class ApproveSeller(Command):
    seller_id: UUID


class RejectSeller(Command):
    seller_id: UUID
    reason: Reason


class SuspendSeller(Command):
    seller_id: UUID
    reason: Reason


class ReinstateSeller(Command):
    seller_id: UUID


class UpdateSellerProfile(Command):
    """What is None stays as it is."""

    seller_id: UUID
    name: Name | None = None
    slug: Slug | None = None
    description: Description | None = None


class InviteMember(Command):
    seller_id: UUID
    user_id: UUID


class SetCommissionRule(Command):
    """`seller_id` None sets the rate of all without a rule of their own."""

    seller_id: UUID | None = None
    rate_bps: Annotated[int, Field(ge=0, le=BASIS_POINTS)]


class SetPayoutAccount(Command):
    model_config = ConfigDict(hide_input_in_errors=True)
    seller_id: UUID
    holder_name: Annotated[str, Field(min_length=1, max_length=120)]
    account_reference: AccountReference

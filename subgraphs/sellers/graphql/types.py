"""The types that sellers adds to the graph."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from shared.db.keyset import PageRequest
from shared.graphql.caching import FACTS
from shared.graphql.types import PAGED, Connection, Node, UserError, connection
from subgraphs.sellers.domain import sellers, terms, verification
from subgraphs.sellers.graphql.context import Info
from subgraphs.sellers.graphql.enums import (
    DocumentKind,
    SellerMemberRole,
    SellersErrorCode,
    SellerStatus,
    VerificationStatus,
)

REFUSED = "Why it was refused; empty if not."


@strawberry.federation.type(keys=["id"], description="A person with an account.")
class User:
    id: strawberry.ID = strawberry.field(description="UUID v4.")

    @classmethod
    def of(cls, user_id: UUID) -> User:
        return cls(id=strawberry.ID(str(user_id)))


@strawberry.federation.type(
    keys=["id"],
    description="A business that sells on the marketplace. Fields are null where it does not sell (any more) to those"
    " who are neither its own nor staff.",
)
class Seller(Node):
    name: str | None = strawberry.field(directives=[FACTS], description="What it trades as.")
    slug: str | None = strawberry.field(directives=[FACTS], description="Its name in addresses; unique.")
    description: str | None = strawberry.field(directives=[FACTS], description="What it says of itself; may be empty.")
    since: datetime | None = strawberry.field(
        directives=[FACTS], description="Since when it has sold; null before its approval."
    )
    owner: User | None = strawberry.field(description="Who answers for it.")
    row: strawberry.Private[sellers.Seller]

    @classmethod
    def of(cls, seller: sellers.Seller) -> Seller:
        return cls(
            id=strawberry.ID(str(seller.id)),
            name=seller.name,
            slug=seller.slug,
            description=seller.description,
            since=seller.approved_at,
            owner=User.of(seller.owner_id),
            row=seller,
        )

    @classmethod
    async def resolve_references(cls, info: Info, references: list[dict[str, Any]]) -> Sequence[Seller | None]:
        found = await info.context.seller_by_id.load_many([UUID(reference["id"]) for reference in references])
        return [cls.of(seller) if seller else None for seller in found]

    @strawberry.field(description="Where it stands. Private to its own people and staff.")
    async def status(self, info: Info) -> SellerStatus | None:
        return self.row.status if info.context.may_see(self.row) else None

    @strawberry.field(
        directives=[PAGED], description="Who acts for it, the owner first. Private to its own people and staff."
    )
    async def members(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[SellerMember] | None:
        if not info.context.may_see(self.row):
            return None
        request = PageRequest.of(first, after, last, before)
        page = await info.context.members_by_seller.load((self.row.id, request))

        async def count() -> int:
            return await info.context.member_count_by_seller.load(self.row.id) or 0

        return connection(page, SellerMember.of, count)

    @strawberry.field(description="What it handed in last to be verified. Private to its own people and staff.")
    async def verification(self, info: Info) -> VerificationCase | None:
        if not info.context.may_see(self.row):
            return None
        case = await info.context.newest_case_by_seller.load(self.row.id)
        return VerificationCase.of(case) if case else None

    @strawberry.field(description="The platform's share of its sales. Private to its own people and staff.")
    async def commission(self, info: Info) -> CommissionRule | None:
        if not info.context.may_see(self.row):
            return None
        rule = await info.context.rule_by_seller.load(self.row.id)
        return CommissionRule.of(rule) if rule else None

    @strawberry.field(description="Where it is paid. Private to its own people and staff.")
    async def payout_account(self, info: Info) -> PayoutAccount | None:
        if not info.context.may_see(self.row):
            return None
        account = await info.context.account_by_seller.load(self.row.id)
        return PayoutAccount.of(account) if account else None


@strawberry.type(description="A person who acts for a seller.")
class SellerMember(Node):
    user: User = strawberry.field(description="Who.")
    role: SellerMemberRole = strawberry.field(description="As what.")
    since: datetime = strawberry.field(description="Since when.")

    @classmethod
    def of(cls, member: sellers.SellerMember) -> SellerMember:
        return cls(
            id=strawberry.ID(str(member.id)), user=User.of(member.user_id), role=member.role, since=member.added_at
        )


@strawberry.type(description="What a seller handed in to prove who it is.")
class VerificationDocument(Node):
    kind: DocumentKind = strawberry.field(description="What it shows.")
    reference: str = strawberry.field(description="Names the file where documents are kept.")

    @classmethod
    def of(cls, document: verification.VerificationDocument) -> VerificationDocument:
        return cls(id=strawberry.ID(str(document.id)), kind=document.kind, reference=document.reference)


@strawberry.type(description="One submission for verification and what became of it.")
class VerificationCase(Node):
    status: VerificationStatus = strawberry.field(description="What became of it.")
    reason: str = strawberry.field(description="What staff wrote to the seller; may be empty.")
    submitted_at: datetime = strawberry.field(description="When it was handed in.")
    decided_at: datetime | None = strawberry.field(description="When it was decided; null while it waits.")
    seller_id: strawberry.Private[UUID]

    @classmethod
    def of(cls, case: verification.VerificationCase) -> VerificationCase:
        return cls(
            id=strawberry.ID(str(case.id)),
            status=case.status,
            reason=case.reason,
            submitted_at=case.submitted_at,
            decided_at=case.decided_at,
            seller_id=case.seller_id,
        )

    @strawberry.field(description="Whose submission it is.")
    async def seller(self, info: Info) -> Seller | None:
        found = await info.context.seller_by_id.load(self.seller_id)
        return Seller.of(found) if found else None

    @strawberry.field(description="What was handed in, at most ten documents in their order.")
    async def documents(self, info: Info) -> list[VerificationDocument]:
        found = await info.context.documents_by_case.load(UUID(self.id))
        return [VerificationDocument.of(document) for document in found or ()]


@strawberry.type(description="The platform's share of sales.")
class CommissionRule(Node):
    rate_bps: int = strawberry.field(description="In basis points: 1000 is ten per cent.")
    is_default: bool = strawberry.field(description="Whether it is the rule of all sellers without one of their own.")
    version: int = strawberry.field(description="How often it was set; grows with each change.")
    effective_from: datetime = strawberry.field(description="Orders from then on are charged at this rate.")
    seller_id: strawberry.Private[UUID | None]

    @classmethod
    def of(cls, rule: terms.CommissionRule) -> CommissionRule:
        return cls(
            id=strawberry.ID(str(rule.id)),
            rate_bps=rule.rate_bps,
            is_default=rule.seller_id is None,
            version=rule.version,
            effective_from=rule.effective_from,
            seller_id=rule.seller_id,
        )

    @strawberry.field(description="Whose rule it is; null for the default.")
    async def seller(self, info: Info) -> Seller | None:
        found = await info.context.seller_by_id.load(self.seller_id) if self.seller_id else None
        return Seller.of(found) if found else None


@strawberry.type(description="Where a seller is paid.")
class PayoutAccount(Node):
    masked: str = strawberry.field(description="The end of the account's number; the rest is sealed.")
    updated_at: datetime = strawberry.field(description="When it was given.")

    @classmethod
    def of(cls, account: terms.PayoutAccount) -> PayoutAccount:
        return cls(id=strawberry.ID(str(account.id)), masked=account.masked, updated_at=account.updated_at)


@strawberry.type(description="What a mutation of a seller answers.")
class SellerPayload:
    seller: Seller | None = strawberry.field(description="The seller after the change.")
    user_errors: list[UserError[SellersErrorCode]] = strawberry.field(description=REFUSED)


@strawberry.type(description="What a mutation of a commission rule answers.")
class CommissionRulePayload:
    commission_rule: CommissionRule | None = strawberry.field(description="The rule after the change.")
    user_errors: list[UserError[SellersErrorCode]] = strawberry.field(description=REFUSED)

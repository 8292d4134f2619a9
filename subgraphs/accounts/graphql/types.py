"""The types that accounts adds to the graph: people, their addresses and their sign-in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from shared.db.keyset import PageRequest
from shared.graphql.types import PAGED, Connection, Node, UserError, connection
from subgraphs.accounts.domain import addresses, api_clients, users
from subgraphs.accounts.graphql.context import Info
from subgraphs.accounts.graphql.enums import AccountsErrorCode, Role


@strawberry.federation.type(keys=["id"], description="A business that sells on the marketplace.")
class Seller:
    id: strawberry.ID = strawberry.field(description="UUID v4.")


@strawberry.federation.type(keys=["id"], description="Where a person has things sent.")
class Address(Node):
    recipient: str = strawberry.field(description="Who receives it.")
    line1: str = strawberry.field(description="Street and number.")
    line2: str = strawberry.field(description="More of the street address; may be empty.")
    postal_code: str = strawberry.field(description="Postal code; empty where a country has none.")
    city: str = strawberry.field(description="City or town.")
    region: str = strawberry.field(description="State or province; may be empty.")
    country: str = strawberry.field(description="ISO 3166-1 alpha-2 code, such as DE.")
    phone: str = strawberry.field(description="For the carrier; may be empty.")
    is_default: bool = strawberry.field(description="Whether it is offered first; at most one is.")

    @classmethod
    def of(cls, address: addresses.Address) -> Address:
        return cls(
            id=strawberry.ID(str(address.id)),
            recipient=address.recipient,
            line1=address.line1,
            line2=address.line2,
            postal_code=address.postal_code,
            city=address.city,
            region=address.region,
            country=address.country,
            phone=address.phone,
            is_default=address.is_default,
        )

    @classmethod
    async def resolve_references(cls, info: Info, references: list[dict[str, Any]]) -> Sequence[Address | None]:
        # Row-level security answers owners and staff alone; a session that has ended is neither's.
        if not await info.context.is_live():
            return [None] * len(references)
        found = await info.context.address_by_id.load_many([UUID(reference["id"]) for reference in references])
        return [cls.of(address) if address else None for address in found]


@strawberry.federation.type(
    keys=["id"],
    description="A person with an account. What is private is null to everybody but this person and staff.",
)
class User(Node):
    display_name: str | None = strawberry.field(description="The name others see; null once the account is erased.")
    created_at: datetime = strawberry.field(description="When the account was made.")
    account: strawberry.Private[users.UserAccount]

    @classmethod
    def of(cls, account: users.UserAccount) -> User:
        return cls(
            id=strawberry.ID(str(account.id)),
            display_name=account.display_name,
            created_at=account.created_at,
            account=account,
        )

    @classmethod
    async def resolve_references(cls, info: Info, references: list[dict[str, Any]]) -> Sequence[User | None]:
        found = await info.context.user_by_id.load_many([UUID(reference["id"]) for reference in references])
        return [cls.of(user) if user else None for user in found]

    @strawberry.field(description="Mail address. Private.")
    async def email(self, info: Info) -> str | None:
        return self.account.email if await info.context.may_see(self.account.id) else None

    @strawberry.field(description="Whether the mail address was proved. Private.")
    async def email_verified(self, info: Info) -> bool | None:
        return self.account.email_verified_at is not None if await info.context.may_see(self.account.id) else None

    @strawberry.field(description="Language of mails, such as en or pt-BR. Private.")
    async def locale(self, info: Info) -> str | None:
        return self.account.locale if await info.context.may_see(self.account.id) else None

    @strawberry.field(description="What this person may be now. Private.")
    async def roles(self, info: Info) -> list[Role] | None:
        rights = await self._rights(info)
        return sorted(rights.roles) if rights else None

    @strawberry.field(description="The seller that this person acts for. Private.")
    async def seller(self, info: Info) -> Seller | None:
        rights = await self._rights(info)
        return Seller(id=strawberry.ID(str(rights.seller_id))) if rights and rights.seller_id else None

    @strawberry.field(directives=[PAGED], description="Kept addresses, oldest first. Private.")
    async def addresses(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Address] | None:
        if not await info.context.may_see(self.account.id):
            return None
        request = PageRequest.of(first, after, last, before)
        page = await info.context.addresses_by_user.load((self.account.id, request))

        async def count() -> int:
            return await info.context.address_count_by_user.load(self.account.id) or 0

        return connection(page, Address.of, count)

    async def _rights(self, info: Info) -> users.Rights | None:
        if not await info.context.may_see(self.account.id):
            return None
        return await info.context.rights_by_user.load(self.account.id) or users.NO_RIGHTS


@strawberry.type(
    description="A partner's program. It asks with an API key and runs the operations of its manifest alone."
)
class ApiClient(Node):
    name: str = strawberry.field(description="Its name for good: of its manifest, in figures and in the log.")
    scopes: list[str] = strawberry.field(description="What it may read beyond everybody's, in order.")
    requests_per_minute: int = strawberry.field(description="How fast it may ask.")
    operations_per_day: int | None = strawberry.field(description="Quota of a day (UTC); null is none.")
    operations_per_month: int | None = strawberry.field(description="Quota of a month (UTC); null is none.")
    created_at: datetime = strawberry.field(description="When it was let in.")
    revoked_at: datetime | None = strawberry.field(description="When it was shut out for good.")

    @classmethod
    def of(cls, client: api_clients.ApiClient) -> ApiClient:
        return cls(
            id=strawberry.ID(str(client.id)),
            name=client.name,
            scopes=client.scopes,
            requests_per_minute=client.requests_per_minute,
            operations_per_day=client.operations_per_day,
            operations_per_month=client.operations_per_month,
            created_at=client.created_at,
            revoked_at=client.revoked_at,
        )


@strawberry.type(description="What a mutation answers that makes an API key.")
class ApiKeyPayload:
    api_client: ApiClient | None = strawberry.field(description="The API client after the change.")
    key: str | None = strawberry.field(
        description="The new key, shown this once: a request that is sent again answers null. Send it as `x-api-key`."
    )
    user_errors: list[UserError[AccountsErrorCode]] = strawberry.field(description="Why it was refused; empty if not.")


@strawberry.type(description="What a mutation of an API client answers.")
class ApiClientPayload:
    api_client: ApiClient | None = strawberry.field(description="The API client after the change.")
    user_errors: list[UserError[AccountsErrorCode]] = strawberry.field(description="Why it was refused; empty if not.")


@strawberry.type(description="What signing in answers. The tokens are null where it was refused.")
class LoginPayload:
    access_token: str | None = strawberry.field(description="Send it as `Authorization: Bearer`.")
    refresh_token: str | None = strawberry.field(description="Good for one refreshToken; keep it secret.")
    expires_in: int | None = strawberry.field(description="Seconds that the access token lives.")
    user: User | None = strawberry.field(description="Who is signed in.")
    user_errors: list[UserError[AccountsErrorCode]] = strawberry.field(description="Why it was refused; empty if not.")


@strawberry.type(description="What refreshing answers. The tokens are null where it was refused: sign in again.")
class RefreshTokenPayload:
    access_token: str | None = strawberry.field(description="Send it as `Authorization: Bearer`.")
    refresh_token: str | None = strawberry.field(description="Replaces the one that was sent, which is spent.")
    expires_in: int | None = strawberry.field(description="Seconds that the access token lives.")
    user: User | None = strawberry.field(description="Whose session it is.")
    user_errors: list[UserError[AccountsErrorCode]] = strawberry.field(description="Why it was refused; empty if not.")


@strawberry.type(description="What a mutation of a user answers.")
class UserPayload:
    user: User | None = strawberry.field(description="The user after the change.")
    user_errors: list[UserError[AccountsErrorCode]] = strawberry.field(description="Why it was refused; empty if not.")


@strawberry.type(description="What a mutation answers that has no object to show.")
class AccountActionPayload:
    user_errors: list[UserError[AccountsErrorCode]] = strawberry.field(description="Why it was refused; empty if not.")


@strawberry.type(description="What a mutation of an address answers.")
class AddressPayload:
    address: Address | None = strawberry.field(description="The address after the change.")
    user_errors: list[UserError[AccountsErrorCode]] = strawberry.field(description="Why it was refused; empty if not.")


@strawberry.type(description="What removing an address answers.")
class RemoveAddressPayload:
    address_id: strawberry.ID | None = strawberry.field(description="The address that is gone.")
    user_errors: list[UserError[AccountsErrorCode]] = strawberry.field(description="Why it was refused; empty if not.")

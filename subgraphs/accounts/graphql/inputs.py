"""What clients send; each input names the pydantic model it must pass."""

from __future__ import annotations

from typing import ClassVar

import strawberry

from shared.commands import Input
from subgraphs.accounts.domain import commands
from subgraphs.accounts.graphql.enums import Role

KEY = "Chosen by the client, unique per attempt to write: the same key never acts twice."


@strawberry.input(description="A new account.")
class RegisterInput:
    command: ClassVar[type[Input]] = commands.Register
    idempotency_key: str = strawberry.field(description=KEY)
    email: str = strawberry.field(description="Mail address; a verification mail is sent to it.")
    password: str = strawberry.field(description="8 to 128 characters.")
    display_name: str = strawberry.field(description="The name others see, up to 100 characters.")
    locale: str = strawberry.field(default="en", description="Language of mails, such as en or pt-BR.")


@strawberry.input(description="Proof that a mail address is read.")
class VerifyEmailInput:
    command: ClassVar[type[Input]] = commands.VerifyEmail
    idempotency_key: str = strawberry.field(description=KEY)
    token: str = strawberry.field(description="From the verification mail.")


@strawberry.input(description="Mail address and password.")
class LoginInput:
    command: ClassVar[type[Input]] = commands.Login
    email: str = strawberry.field(description="Mail address.")
    password: str = strawberry.field(description="Password.")


@strawberry.input(description="A refresh token to trade in.")
class RefreshTokenInput:
    command: ClassVar[type[Input]] = commands.RefreshToken
    refresh_token: str = strawberry.field(description="From login or the last refreshToken.")


@strawberry.input(description="Ends this session.")
class LogoutInput:
    command: ClassVar[type[Input]] = commands.Logout
    idempotency_key: str = strawberry.field(description=KEY)


@strawberry.input(description="Ends every session of yours.")
class LogoutAllInput:
    command: ClassVar[type[Input]] = commands.LogoutAll
    idempotency_key: str = strawberry.field(description=KEY)


@strawberry.input(description="Where to send a reset mail.")
class RequestPasswordResetInput:
    command: ClassVar[type[Input]] = commands.RequestPasswordReset
    idempotency_key: str = strawberry.field(description=KEY)
    email: str = strawberry.field(description="Mail address of the account.")


@strawberry.input(description="A new password by a mailed token.")
class ResetPasswordInput:
    command: ClassVar[type[Input]] = commands.ResetPassword
    idempotency_key: str = strawberry.field(description=KEY)
    token: str = strawberry.field(description="From the reset mail, good for an hour.")
    new_password: str = strawberry.field(description="8 to 128 characters.")


@strawberry.input(description="A new password by the present one.")
class ChangePasswordInput:
    command: ClassVar[type[Input]] = commands.ChangePassword
    idempotency_key: str = strawberry.field(description=KEY)
    current_password: str = strawberry.field(description="The present password.")
    new_password: str = strawberry.field(description="8 to 128 characters.")


@strawberry.input(description="Changes to your profile; what is left out stays.")
class UpdateProfileInput:
    command: ClassVar[type[Input]] = commands.UpdateProfile
    idempotency_key: str = strawberry.field(description=KEY)
    display_name: str | None = strawberry.field(default=strawberry.UNSET, description="The name others see.")
    locale: str | None = strawberry.field(default=strawberry.UNSET, description="Language of mails.")


@strawberry.input(description="An address, whole.")
class PostalAddressInput:
    recipient: str = strawberry.field(description="Who receives it.")
    line1: str = strawberry.field(description="Street and number.")
    line2: str = strawberry.field(default="", description="More of the street address.")
    postal_code: str = strawberry.field(default="", description="Postal code, where the country has them.")
    city: str = strawberry.field(description="City or town.")
    region: str = strawberry.field(default="", description="State or province.")
    country: str = strawberry.field(description="ISO 3166-1 alpha-2 code, such as DE.")
    phone: str = strawberry.field(default="", description="For the carrier.")
    is_default: bool = strawberry.field(default=False, description="Whether to offer it first from now on.")


@strawberry.input(description="A new address of yours.")
class AddAddressInput:
    command: ClassVar[type[Input]] = commands.AddAddress
    idempotency_key: str = strawberry.field(description=KEY)
    address: PostalAddressInput = strawberry.field(description="The address. Your first one becomes the default.")


@strawberry.input(description="Replaces an address of yours.")
class UpdateAddressInput:
    command: ClassVar[type[Input]] = commands.UpdateAddress
    idempotency_key: str = strawberry.field(description=KEY)
    address_id: strawberry.ID = strawberry.field(description="The address.")
    address: PostalAddressInput = strawberry.field(description="What it shall be.")


@strawberry.input(description="Removes an address of yours.")
class RemoveAddressInput:
    command: ClassVar[type[Input]] = commands.RemoveAddress
    idempotency_key: str = strawberry.field(description=KEY)
    address_id: strawberry.ID = strawberry.field(description="The address.")


@strawberry.input(description="A role to give to a person.")
class GrantRoleInput:
    command: ClassVar[type[Input]] = commands.GrantRole
    idempotency_key: str = strawberry.field(description=KEY)
    user_id: strawberry.ID = strawberry.field(description="The person.")
    role: Role = strawberry.field(description="SUPPORT, FINANCE, ADMIN or PARTNER.")


@strawberry.input(description="A role to take from a person.")
class RevokeRoleInput:
    command: ClassVar[type[Input]] = commands.RevokeRole
    idempotency_key: str = strawberry.field(description=KEY)
    user_id: strawberry.ID = strawberry.field(description="The person.")
    role: Role = strawberry.field(description="Any role but CUSTOMER.")


@strawberry.input(description="A partner's program to let in.")
class CreateApiClientInput:
    command: ClassVar[type[Input]] = commands.CreateApiClient
    idempotency_key: str = strawberry.field(description=KEY)
    name: str = strawberry.field(description="Lower-case letters, digits and dashes; given once and for all.")
    scopes: list[str] = strawberry.field(default_factory=list, description="What it may read beyond everybody's.")
    requests_per_minute: int = strawberry.field(default=600, description="How fast it may ask.")
    operations_per_day: int | None = strawberry.field(default=None, description="Quota of a day (UTC); none if null.")
    operations_per_month: int | None = strawberry.field(
        default=None, description="Quota of a month (UTC); none if null."
    )


@strawberry.input(description="A partner's program that is to get another key.")
class RotateApiKeyInput:
    command: ClassVar[type[Input]] = commands.RotateApiKey
    idempotency_key: str = strawberry.field(description=KEY)
    api_client_id: strawberry.ID = strawberry.field(description="The API client.")
    overlap_hours: int = strawberry.field(
        default=24, description="For how long the key before stays good: 0 to 168 hours."
    )


@strawberry.input(description="A partner's program to shut out for good.")
class RevokeApiClientInput:
    command: ClassVar[type[Input]] = commands.RevokeApiClient
    idempotency_key: str = strawberry.field(description=KEY)
    api_client_id: strawberry.ID = strawberry.field(description="The API client.")


@strawberry.input(description="Forgets you: every personal value is deleted, and there is no way back.")
class RequestErasureInput:
    command: ClassVar[type[Input]] = commands.RequestErasure
    idempotency_key: str = strawberry.field(description=KEY)

"""What may be asked of accounts, and in what form."""

from __future__ import annotations

from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, PlainSerializer, SecretStr, model_validator

from shared.auth.actor import Role
from shared.commands import Command, Input
from subgraphs.accounts.domain.tokens import token_digest

_QUIET = ConfigDict(hide_input_in_errors=True)
# A person's secrets and addresses stay out of the text of an error that somebody might log.


def _check_new_password(password: SecretStr) -> SecretStr:
    """Length is what counts (NIST SP 800-63B); the upper bound keeps a hash from being work without end."""
    if not 8 <= len(password.get_secret_value()) <= 128:
        raise ValueError("A password has 8 to 128 characters.")
    return password


def _check_given_password(password: SecretStr) -> SecretStr:
    if not 1 <= len(password.get_secret_value()) <= 128:
        raise ValueError("A password has up to 128 characters.")
    return password


def _check_token(token: SecretStr) -> SecretStr:
    if not 1 <= len(token.get_secret_value()) <= 128:
        raise ValueError("This is no token.")
    return token


# A request's fingerprint is kept in the database. A fast hash of a password there could be guessed from, so passwords
# count as alike in it; a token's 256 random bits cannot be guessed, so its digest may stand for it.
NewPassword = Annotated[SecretStr, AfterValidator(_check_new_password)]
GivenPassword = Annotated[SecretStr, AfterValidator(_check_given_password)]
Token = Annotated[
    SecretStr,
    AfterValidator(_check_token),
    PlainSerializer(lambda token: token_digest(token.get_secret_value()).hex(), when_used="json"),
]
Email = Annotated[str, Field(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]
DisplayName = Annotated[str, Field(min_length=1, max_length=100)]
# In order, so that the same scopes are the same request.
Scopes = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[a-z][a-z_]*(:[a-z][a-z_]*)*$", max_length=64)], ...],
    Field(max_length=20),
    AfterValidator(lambda scopes: tuple(sorted(set(scopes)))),
]
Locale = Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]
Line = Annotated[str, Field(min_length=1, max_length=200)]
OptionalLine = Annotated[str, Field(max_length=200)]


class Register(Command):
    model_config = _QUIET
    email: Email
    password: NewPassword
    display_name: DisplayName
    locale: Locale = "en"


class VerifyEmail(Command):
    model_config = _QUIET
    token: Token


class Login(Input):
    model_config = _QUIET
    email: Email
    password: GivenPassword


class RefreshToken(Input):
    model_config = _QUIET
    refresh_token: Token


class Logout(Command):
    """Ends the session of the access token it comes with."""


class LogoutAll(Command):
    """Ends every session of the user."""


class RequestPasswordReset(Command):
    model_config = _QUIET
    email: Email


class ResetPassword(Command):
    model_config = _QUIET
    token: Token
    new_password: NewPassword


class ChangePassword(Command):
    model_config = _QUIET
    current_password: GivenPassword
    new_password: NewPassword


class UpdateProfile(Command):
    """What is left out stays as it is."""

    model_config = _QUIET
    display_name: DisplayName | None = None
    locale: Locale | None = None

    @model_validator(mode="after")
    def _check_that_something_is_asked(self) -> Self:
        if self.display_name is None and self.locale is None:
            raise ValueError("Give a display name or a locale.")
        return self


class PostalAddress(Input):
    """The form of an address, worldwide: only what every country has is required."""

    model_config = _QUIET
    recipient: Line
    line1: Line
    line2: OptionalLine = ""
    postal_code: Annotated[str, Field(max_length=20)] = ""
    city: Annotated[str, Field(min_length=1, max_length=100)]
    region: Annotated[str, Field(max_length=100)] = ""
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    phone: Annotated[str, Field(max_length=32)] = ""
    is_default: bool = False


class AddAddress(Command):
    model_config = _QUIET
    address: PostalAddress


class UpdateAddress(Command):
    """Replaces the whole address."""

    model_config = _QUIET
    address_id: UUID
    address: PostalAddress


class RemoveAddress(Command):
    address_id: UUID


class GrantRole(Command):
    user_id: UUID
    role: Role


class RevokeRole(Command):
    user_id: UUID
    role: Role


class CreateApiClient(Command):
    """A quota that is left out is none."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
    scopes: Scopes = ()
    requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = 600
    operations_per_day: Annotated[int | None, Field(ge=1)] = None
    operations_per_month: Annotated[int | None, Field(ge=1)] = None


class RotateApiKey(Command):
    api_client_id: UUID
    overlap_hours: Annotated[int, Field(ge=0, le=168)] = 24


class RevokeApiClient(Command):
    api_client_id: UUID


class RequestErasure(Command):
    """Erases the user who asks."""

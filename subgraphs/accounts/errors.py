"""Why accounts refuses."""

from __future__ import annotations

from enum import StrEnum

from shared.errors import Conflict, InvalidInput, NotFound


class AccountsErrorCode(StrEnum):
    INVALID_INPUT = "INVALID_INPUT"
    EMAIL_TAKEN = "EMAIL_TAKEN"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    TOO_MANY_ATTEMPTS = "TOO_MANY_ATTEMPTS"
    INVALID_REFRESH_TOKEN = "INVALID_REFRESH_TOKEN"  # noqa: S105 — a code, no token.
    INVALID_TOKEN = "INVALID_TOKEN"  # noqa: S105 — a code, no token.
    ADDRESS_NOT_FOUND = "ADDRESS_NOT_FOUND"
    TOO_MANY_ADDRESSES = "TOO_MANY_ADDRESSES"
    USER_NOT_FOUND = "USER_NOT_FOUND"
    ROLE_NOT_GRANTABLE = "ROLE_NOT_GRANTABLE"
    OWN_ADMIN_ROLE = "OWN_ADMIN_ROLE"
    API_CLIENT_NAME_TAKEN = "API_CLIENT_NAME_TAKEN"
    API_CLIENT_NOT_FOUND = "API_CLIENT_NOT_FOUND"
    API_CLIENT_REVOKED = "API_CLIENT_REVOKED"
    TOO_MANY_API_CLIENTS = "TOO_MANY_API_CLIENTS"


class EmailTaken(Conflict):
    def __init__(self) -> None:
        super().__init__(AccountsErrorCode.EMAIL_TAKEN, "There is an account with this address.", field=("email",))


class InvalidCredentials(InvalidInput):
    """One answer for an unknown address and a wrong password: it must not tell who has an account."""

    def __init__(self) -> None:
        super().__init__(AccountsErrorCode.INVALID_CREDENTIALS, "Address or password is wrong.")


class WrongPassword(InvalidInput):
    """A signed-in user did not give their present password."""

    def __init__(self) -> None:
        super().__init__(
            AccountsErrorCode.INVALID_CREDENTIALS, "The present password is wrong.", field=("currentPassword",)
        )


class TooManyAttempts(Conflict):
    def __init__(self) -> None:
        super().__init__(AccountsErrorCode.TOO_MANY_ATTEMPTS, "Too many failed attempts. Try again in 15 minutes.")


class InvalidRefreshToken(InvalidInput):
    """Unknown, expired, revoked or used before: a caller who may hold a stolen token is not told which."""

    def __init__(self) -> None:
        super().__init__(
            AccountsErrorCode.INVALID_REFRESH_TOKEN, "This refresh token is not valid.", field=("refreshToken",)
        )


class InvalidToken(InvalidInput):
    """A mailed token that is unknown, expired or used."""

    def __init__(self) -> None:
        super().__init__(AccountsErrorCode.INVALID_TOKEN, "This link is no longer valid.", field=("token",))


class AddressNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(AccountsErrorCode.ADDRESS_NOT_FOUND, "There is no such address.", field=("addressId",))


class TooManyAddresses(Conflict):
    def __init__(self, limit: int) -> None:
        super().__init__(AccountsErrorCode.TOO_MANY_ADDRESSES, f"An account keeps up to {limit} addresses.")


class UserNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(AccountsErrorCode.USER_NOT_FOUND, "There is no such user.", field=("userId",))


class RoleNotGrantable(Conflict):
    def __init__(self) -> None:
        super().__init__(
            AccountsErrorCode.ROLE_NOT_GRANTABLE,
            "Everybody is a customer, and a seller's role comes with its approval.",
            field=("role",),
        )


class OwnAdminRole(Conflict):
    """The last admin must not lock everybody out."""

    def __init__(self) -> None:
        super().__init__(
            AccountsErrorCode.OWN_ADMIN_ROLE, "Another admin must take this role from you.", field=("role",)
        )


class ApiClientNameTaken(Conflict):
    """Also by a revoked client: its manifest and its figures go by that name."""

    def __init__(self) -> None:
        super().__init__(
            AccountsErrorCode.API_CLIENT_NAME_TAKEN, "There is or was an API client of this name.", field=("name",)
        )


class ApiClientNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(AccountsErrorCode.API_CLIENT_NOT_FOUND, "There is no such API client.", field=("apiClientId",))


class ApiClientRevoked(Conflict):
    def __init__(self) -> None:
        super().__init__(
            AccountsErrorCode.API_CLIENT_REVOKED, "This API client is revoked for good.", field=("apiClientId",)
        )


class TooManyApiClients(Conflict):
    def __init__(self, limit: int) -> None:
        super().__init__(AccountsErrorCode.TOO_MANY_API_CLIENTS, f"There are {limit} API clients already.")

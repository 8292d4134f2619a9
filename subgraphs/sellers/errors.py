"""Why sellers refuses."""

from __future__ import annotations

from enum import StrEnum

from shared.errors import Conflict, Forbidden, NotFound


class SellersErrorCode(StrEnum):
    INVALID_INPUT = "INVALID_INPUT"
    APPLICATION_EXISTS = "APPLICATION_EXISTS"
    SELLER_NOT_FOUND = "SELLER_NOT_FOUND"
    INVALID_SELLER_STATUS = "INVALID_SELLER_STATUS"
    SLUG_TAKEN = "SLUG_TAKEN"
    ALREADY_MEMBER = "ALREADY_MEMBER"
    USER_NOT_FOUND = "USER_NOT_FOUND"
    PAYOUT_ACCOUNTS_UNAVAILABLE = "PAYOUT_ACCOUNTS_UNAVAILABLE"


class ApplicationExists(Conflict):
    def __init__(self) -> None:
        super().__init__(SellersErrorCode.APPLICATION_EXISTS, "You have a seller or an open application already.")


class SellerNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(SellersErrorCode.SELLER_NOT_FOUND, "There is no such seller.", field=("sellerId",))


class InvalidSellerStatus(Conflict):
    """The state machine does not allow this step from where the seller stands."""

    def __init__(self, status: str) -> None:
        super().__init__(SellersErrorCode.INVALID_SELLER_STATUS, f"This is not possible while the seller is {status}.")


class SlugTaken(Conflict):
    def __init__(self) -> None:
        super().__init__(SellersErrorCode.SLUG_TAKEN, "Another seller has this slug.", field=("slug",))


class AlreadyMember(Conflict):
    def __init__(self) -> None:
        super().__init__(SellersErrorCode.ALREADY_MEMBER, "This person is a member already.", field=("userId",))


class UserNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(SellersErrorCode.USER_NOT_FOUND, "There is no such person.", field=("userId",))


class PayoutAccountsUnavailable(Conflict):
    """Nothing to seal with: an account reference is never kept in clear."""

    def __init__(self) -> None:
        super().__init__(
            SellersErrorCode.PAYOUT_ACCOUNTS_UNAVAILABLE, "Payout accounts cannot be kept at present. Try again later."
        )


class OwnersOnly(Forbidden):
    def __init__(self) -> None:
        super().__init__("Only the seller's owner may do this.")


class OwnSeller(Forbidden):
    """Four eyes: staff who sell are decided on by others."""

    def __init__(self) -> None:
        super().__init__("Somebody else must decide on your own seller.")


class AccountErased(Forbidden):
    def __init__(self) -> None:
        super().__init__("This account was erased.")

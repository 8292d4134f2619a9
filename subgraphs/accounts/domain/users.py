"""A person's account and roles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.auth.actor import Role

GRANTABLE = frozenset({Role.SUPPORT, Role.FINANCE, Role.ADMIN, Role.PARTNER})
"""What an admin may grant: everybody is a customer, and the seller role comes with the seller's approval."""


@dataclass(eq=False)
class UserAccount:
    """`version` counts the events told about this user: each takes the next number, without gaps."""

    id: UUID
    email: str | None
    display_name: str | None
    locale: str
    email_verified_at: datetime | None
    erased_at: datetime | None
    version: int
    created_at: datetime

    def next_version(self) -> int:
        self.version += 1
        return self.version

    def verify_email(self, now: datetime) -> bool:
        """Whether this was news."""
        if self.email_verified_at is not None:
            return False
        self.email_verified_at = now
        return True

    def erase(self, now: datetime) -> None:
        """Forget every personal value; the id stays, since orders and audit entries name it."""
        self.email = None
        self.display_name = None
        self.locale = "en"
        self.email_verified_at = None
        self.erased_at = now


@dataclass(frozen=True, slots=True)
class Rights:
    """What a user may be now: the roles, and the seller that a member acts for."""

    roles: frozenset[Role]
    seller_id: UUID | None

    def cover(self, roles: frozenset[Role], seller_id: UUID | None) -> bool:
        """Whether a token that claims these still speaks the truth."""
        return roles <= self.roles and seller_id in (None, self.seller_id)


NO_RIGHTS = Rights(frozenset(), None)


@dataclass(frozen=True, slots=True)
class SellerGrant:
    """The seller role as it is kept: `version` is the seller's at the approval that gave it."""

    seller_id: UUID
    version: int
    revoked: bool

    def admits(self, seller_id: UUID, version: int) -> bool:
        """Whether an approval changes anything.

        Told again or told late it does not, nor does another seller's while this one stands: a user acts for one.
        """
        if seller_id != self.seller_id:
            return self.revoked
        return version > self.version

"""Who is asking: made from the gateway's internal token, never from anything the client sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from shared.db.scope import Scope
from shared.errors import Forbidden, Unauthenticated


class Role(StrEnum):
    CUSTOMER = "customer"
    SELLER = "seller"
    SUPPORT = "support"
    FINANCE = "finance"
    ADMIN = "admin"
    PARTNER = "partner"


STAFF = frozenset({Role.SUPPORT, Role.FINANCE, Role.ADMIN})


CATALOG_READ = "catalog:read"
STOCK_READ = "stock:read"
SCOPES = frozenset({CATALOG_READ, STOCK_READ})
"""What a partner's program may be let see beyond what everybody sees."""


def scopes_of(roles: frozenset[Role]) -> frozenset[str]:
    """The scopes of a person: staff see all that any partner sees."""
    return SCOPES if roles & STAFF else frozenset()


class Kind(StrEnum):
    """What asks: a person (or a visitor), a partner's program by its API key, or the gateway for itself."""

    PERSON = "person"
    PARTNER = "partner"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Actor:
    """`user_id` None is an anonymous visitor. `seller_id` is set for members of an approved seller.

    A partner is no user: it has an `api_client_id` and `scopes`, and sees what a visitor sees but for what a scope opens.
    `client` stands for the network address that asks, where the gateway tells it: equal for equal ones, and no more.
    """

    user_id: UUID | None = None
    session_id: UUID | None = None
    roles: frozenset[Role] = frozenset()
    seller_id: UUID | None = None
    kind: Kind = Kind.PERSON
    api_client_id: UUID | None = None
    scopes: frozenset[str] = frozenset()
    client: bytes | None = field(default=None, compare=False)

    @property
    def caller(self) -> str:
        """Whose idempotency keys these are."""
        if self.api_client_id:
            return f"api_client:{self.api_client_id}"
        return f"user:{self.user_id}" if self.user_id else "anonymous"

    @property
    def is_staff(self) -> bool:
        return bool(self.roles & STAFF)

    def require_user(self) -> UUID:
        """The signed-in user's id; raises Unauthenticated."""
        if self.user_id is None:
            raise Unauthenticated
        return self.user_id

    def require_role(self, *roles: Role) -> None:
        """Raises Unauthenticated for a visitor, Forbidden for anyone without one of these roles."""
        self.require_user()
        if not self.roles & frozenset(roles):
            raise Forbidden

    def require_seller(self) -> UUID:
        """The seller this user acts for; raises Unauthenticated or Forbidden."""
        self.require_role(Role.SELLER)
        if self.seller_id is None:
            raise Forbidden
        return self.seller_id

    def require_scope(self, scope: str) -> None:
        """Raises Unauthenticated for a visitor, Forbidden for a person or a program without the scope."""
        if scope not in self.scopes:
            raise Unauthenticated if self.caller == "anonymous" else Forbidden

    def scope(self) -> Scope:
        """What row-level security lets this actor see."""
        if self.is_staff:
            return Scope.ALL
        return Scope(seller_id=self.seller_id, user_id=self.user_id)


ANONYMOUS = Actor()

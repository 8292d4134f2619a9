"""What row-level security lets a transaction see, beside the checks of the service: the second wall between sellers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Scope:
    """Transaction-local settings that the policies read: `app.role`, `app.seller_id`, `app.user_id`.

    Nothing set means: public rows only. `role` is `all` for staff and workers.
    """

    role: str = ""
    seller_id: UUID | None = None
    user_id: UUID | None = None

    PUBLIC: ClassVar[Scope]
    ALL: ClassVar[Scope]

    @classmethod
    def of_seller(cls, seller_id: UUID, user_id: UUID | None = None) -> Scope:
        return cls(seller_id=seller_id, user_id=user_id)

    @classmethod
    def of_user(cls, user_id: UUID) -> Scope:
        return cls(user_id=user_id)

    def settings(self) -> dict[str, str]:
        """The settings to apply; empty where nothing is to be set, so that a public read costs no extra statement."""
        values = {"app.role": self.role, "app.seller_id": self.seller_id, "app.user_id": self.user_id}
        return {name: str(value) for name, value in values.items() if value}


Scope.PUBLIC = Scope()
Scope.ALL = Scope(role="all")

"""All use cases of accounts in one value, as the schema and the consumers are given them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from shared.auth.actor import Role
from shared.db.database import UnitOfWork
from subgraphs.accounts.adapters.access_tokens import AccessTokens
from subgraphs.accounts.service.api_clients import ApiClients
from subgraphs.accounts.service.liveness import SessionGuard
from subgraphs.accounts.service.passwords import Passwords
from subgraphs.accounts.service.profile import Profile
from subgraphs.accounts.service.registration import Registration
from subgraphs.accounts.service.roles import Roles
from subgraphs.accounts.service.sign_in import SignIn


@dataclass(frozen=True, slots=True)
class AccountsService:
    registration: Registration
    sign_in: SignIn
    passwords: Passwords
    profile: Profile
    roles: Roles
    api_clients: ApiClients
    guard: SessionGuard
    access_tokens: AccessTokens

    async def ensure_user(
        self, uow: UnitOfWork, email: str, password: str, display_name: str, roles: Iterable[Role] = ()
    ) -> UUID:
        """See Registration.ensure_user: the one entry for seeds."""
        return await self.registration.ensure_user(
            uow, email=email, password=password, display_name=display_name, roles=roles
        )

"""One request's view of accounts: its service, its loaders, and whether its session still lives."""

from __future__ import annotations

import asyncio
from uuid import UUID

from strawberry.types import Info as StrawberryInfo

from shared.auth.actor import Actor
from shared.clock import Clock
from shared.commands import Command
from shared.db.database import Database, UnitOfWork
from shared.db.idempotency import Outcome
from shared.errors import Unauthenticated
from shared.graphql.context import CommandInput, RequestContext, UseCase
from shared.graphql.loaders import batch_loader, page_loader
from shared.graphql.writes import Writes
from subgraphs.accounts.domain.api_clients import NewKey
from subgraphs.accounts.domain.sessions import LiveSession
from subgraphs.accounts.repository import addresses, api_clients, sessions, users
from subgraphs.accounts.service.accounts import AccountsService


class AccountsContext(RequestContext):
    def __init__(
        self, actor: Actor, database: Database, writes: Writes, service: AccountsService, clock: Clock
    ) -> None:
        super().__init__(actor, database, writes)
        self.service = service
        self._clock = clock
        self._liveness: asyncio.Future[None] | None = None
        self.user_by_id = batch_loader(self, users.users_by_id)
        self.rights_by_user = batch_loader(self, users.rights_by_user)
        self.address_by_id = batch_loader(self, addresses.addresses_by_id)
        self.api_client_by_id = batch_loader(self, api_clients.clients_by_id)
        self.addresses_by_user = page_loader(self, addresses.address_pages_by_user)
        self.address_count_by_user = batch_loader(self, addresses.address_counts_by_user)

    async def require_live(self) -> None:
        """Raises Unauthenticated unless the actor's session lives; asked once a request, whatever it selects."""
        if self._liveness is None:
            self._liveness = asyncio.ensure_future(self.service.guard.require_live(self.actor, self._find_session))
        await self._liveness

    async def holds_key(self, client_id: UUID, key: NewKey) -> bool:
        """Whether this key is the client's: not so where the answer is one of an earlier request, told again."""
        async with self.database.read() as session:
            return await api_clients.holds_key(session, client_id, key.digest)

    async def may_see(self, user_id: UUID) -> bool:
        """Whether what is private to this user may be shown: to the user and to staff, while signed in."""
        return (self.actor.is_staff or self.actor.user_id == user_id) and await self.is_live()

    async def is_live(self) -> bool:
        """Whether somebody is signed in whose session lives."""
        try:
            await self.require_live()
        except Unauthenticated:
            return False
        return True

    async def write_as_user(self, operation: str, input: CommandInput, use_case: UseCase) -> Outcome:
        """A write of a signed-in user. Raises Unauthenticated where the session has ended.

        The session is asked for within the attempt: a request that ended its own session, sent again, is answered
        from its stored outcome.
        """
        self.actor.require_user()

        async def guarded(uow: UnitOfWork, actor: Actor, command: Command) -> Outcome:
            async def find(session_id: UUID) -> LiveSession | None:
                return await sessions.find_live(uow.session, session_id, self._clock())

            await self.service.guard.require_live(actor, find)
            return await use_case(uow, actor, command)

        return await self.write(operation, input, guarded)

    def become(self, actor: Actor) -> None:
        """The rest of this request is the person's who has just shown a password or a refresh token."""
        self.actor = actor
        self._liveness = None

    async def _find_session(self, session_id: UUID) -> LiveSession | None:
        async with self.database.read() as session:
            return await sessions.find_live(session, session_id, self._clock())


Info = StrawberryInfo[AccountsContext, None]

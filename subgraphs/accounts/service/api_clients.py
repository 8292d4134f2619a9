"""Partners' programs: an admin lets them in, changes their keys and shuts them out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from shared.auth.actor import Actor, Role
from shared.clock import Clock
from shared.db.database import Database, UnitOfWork
from shared.db.idempotency import Outcome
from shared.ids import new_id
from shared.messaging.outbox import Outbox
from subgraphs.accounts import events
from subgraphs.accounts.domain.api_clients import ActiveApiClient, ApiClient, NewKey
from subgraphs.accounts.domain.commands import CreateApiClient, RevokeApiClient, RotateApiKey
from subgraphs.accounts.errors import ApiClientNameTaken, ApiClientRevoked, TooManyApiClients
from subgraphs.accounts.repository import api_clients

MAX_API_CLIENTS = 1000
"""The gateway keeps the whole list and counts by client, so it has to end somewhere."""


class ApiClients:
    """The key is made before the transaction and comes in as `prepared`: only its hash goes on from here."""

    def __init__(self, database: Database, outbox: Outbox, clock: Clock) -> None:
        self._database = database
        self._outbox = outbox
        self._clock = clock

    async def create(self, uow: UnitOfWork, actor: Actor, command: CreateApiClient, *, prepared: NewKey) -> Outcome:
        """Raises ApiClientNameTaken, also for the name of a revoked one, and TooManyApiClients."""
        actor.require_role(Role.ADMIN)
        if await api_clients.count(uow.session) >= MAX_API_CLIENTS:
            raise TooManyApiClients(MAX_API_CLIENTS)
        now = self._clock()
        client = ApiClient(
            id=new_id(),
            name=command.name,
            scopes=list(command.scopes),
            requests_per_minute=command.requests_per_minute,
            operations_per_day=command.operations_per_day,
            operations_per_month=command.operations_per_month,
            version=1,
            created_at=now,
            revoked_at=None,
        )
        if not await api_clients.add(uow.session, client):
            raise ApiClientNameTaken
        await api_clients.add_key(uow.session, client.id, prepared.digest, now)
        await self._outbox.append(uow, events.api_client_created(client, actor_id=actor.require_user()))
        return Outcome.of(api_client=client.id)

    async def rotate_key(self, uow: UnitOfWork, actor: Actor, command: RotateApiKey, *, prepared: NewKey) -> Outcome:
        """The key before stays good for the overlap. Raises ApiClientNotFound, ApiClientRevoked."""
        actor.require_role(Role.ADMIN)
        now = self._clock()
        client = await api_clients.get_for_update(uow.session, command.api_client_id)
        if client.revoked_at is not None:
            raise ApiClientRevoked
        ends_at = now + timedelta(hours=command.overlap_hours)
        await api_clients.end_keys(uow.session, client.id, now, current_ends_at=ends_at)
        await api_clients.add_key(uow.session, client.id, prepared.digest, now)
        rotated = events.api_client_key_rotated(
            client.id, client.next_version(), previous_expires_at=ends_at, actor_id=actor.require_user()
        )
        await self._outbox.append(uow, rotated)
        return Outcome.of(api_client=client.id)

    async def revoke(self, uow: UnitOfWork, actor: Actor, command: RevokeApiClient) -> Outcome:
        """For good: a revoked client's keys end, and its name is not given again. Raises ApiClientNotFound."""
        actor.require_role(Role.ADMIN)
        now = self._clock()
        client = await api_clients.get_for_update(uow.session, command.api_client_id)
        if client.revoke(now):
            await api_clients.end_keys(uow.session, client.id, now, current_ends_at=now)
            revoked = events.api_client_revoked(client.id, client.next_version(), actor_id=actor.require_user())
            await self._outbox.append(uow, revoked)
        return Outcome.of(api_client=client.id)

    async def active(self) -> Sequence[ActiveApiClient]:
        """Every client that may ask, with the keys that are good now."""
        async with self._database.read() as session:
            return await api_clients.active(session, self._clock())

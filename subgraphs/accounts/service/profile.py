"""What users change about themselves."""

from __future__ import annotations

from shared.auth.actor import Actor, Role
from shared.clock import Clock
from shared.db.database import UnitOfWork
from shared.db.idempotency import Outcome
from shared.ids import new_id
from shared.messaging.outbox import Outbox
from subgraphs.accounts import events
from subgraphs.accounts.domain.addresses import MAX_ADDRESSES, Address
from subgraphs.accounts.domain.commands import (
    AddAddress,
    RemoveAddress,
    RequestErasure,
    UpdateAddress,
    UpdateProfile,
)
from subgraphs.accounts.domain.tokens import account_key
from subgraphs.accounts.errors import TooManyAddresses
from subgraphs.accounts.repository import addresses, credentials, sessions, users
from subgraphs.accounts.service.liveness import SessionGuard


class Profile:
    def __init__(self, outbox: Outbox, clock: Clock, guard: SessionGuard) -> None:
        self._outbox = outbox
        self._clock = clock
        self._guard = guard

    async def update_profile(self, uow: UnitOfWork, actor: Actor, command: UpdateProfile) -> Outcome:
        user = await users.get_for_update(uow.session, actor.require_user())
        user.display_name = command.display_name or user.display_name
        user.locale = command.locale or user.locale
        return Outcome.of(user=user.id)

    async def add_address(self, uow: UnitOfWork, actor: Actor, command: AddAddress) -> Outcome:
        """The first address is the default. Raises TooManyAddresses."""
        # The account's lock also keeps two additions from passing the limit, or both becoming the default.
        user = await users.get_for_update(uow.session, actor.require_user())
        kept = await addresses.count_addresses(uow.session, user.id)
        if kept >= MAX_ADDRESSES:
            raise TooManyAddresses(MAX_ADDRESSES)
        values = command.address.model_dump() | {"is_default": command.address.is_default or kept == 0}
        if values["is_default"]:
            await addresses.clear_default(uow.session, user.id)
        address = Address(id=new_id(), user_id=user.id, created_at=self._clock(), **values)
        uow.session.add(address)
        return Outcome.of(address=address.id)

    async def update_address(self, uow: UnitOfWork, actor: Actor, command: UpdateAddress) -> Outcome:
        """Raises AddressNotFound."""
        user = await users.get_for_update(uow.session, actor.require_user())
        address = await addresses.get_for_update(uow.session, user.id, command.address_id)
        if command.address.is_default and not address.is_default:
            await addresses.clear_default(uow.session, user.id)
        for name, value in command.address.model_dump().items():
            setattr(address, name, value)
        return Outcome.of(address=address.id)

    async def remove_address(self, uow: UnitOfWork, actor: Actor, command: RemoveAddress) -> Outcome:
        """Raises AddressNotFound."""
        await addresses.remove(uow.session, actor.require_user(), command.address_id)
        return Outcome.of(address=command.address_id)

    async def request_erasure(self, uow: UnitOfWork, actor: Actor, _: RequestErasure) -> Outcome:
        """Delete every personal value here and tell the others to; all sessions end. There is no way back."""
        now = self._clock()
        user = await users.get_for_update(uow.session, actor.require_user())
        if user.email is not None:
            await credentials.clear_attempts(uow.session, account_key(user.email))
        await credentials.delete_of_user(uow.session, user.id)
        await addresses.remove_all(uow.session, user.id)
        await users.revoke_roles(uow.session, user.id, Role, now)
        self._guard.end(uow, await sessions.revoke_all(uow.session, user.id, now))
        user.erase(now)
        await self._outbox.append(uow, events.user_erasure_requested(user.id, user.next_version()))
        return Outcome.of(user=user.id)

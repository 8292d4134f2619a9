"""Who gives and takes roles: an admin, and the approval of a seller."""

from __future__ import annotations

from uuid import UUID

from shared.auth.actor import Actor, Role
from shared.clock import Clock
from shared.db.database import UnitOfWork
from shared.db.idempotency import Outcome
from shared.messaging.contract import ReceivedEvent
from shared.messaging.outbox import Outbox
from subgraphs.accounts import events
from subgraphs.accounts.domain.commands import GrantRole, RevokeRole
from subgraphs.accounts.domain.users import GRANTABLE
from subgraphs.accounts.errors import OwnAdminRole, RoleNotGrantable
from subgraphs.accounts.repository import sessions, users
from subgraphs.accounts.service.liveness import SessionGuard


class Roles:
    def __init__(self, outbox: Outbox, clock: Clock, guard: SessionGuard) -> None:
        self._outbox = outbox
        self._clock = clock
        self._guard = guard

    async def grant(self, uow: UnitOfWork, actor: Actor, command: GrantRole) -> Outcome:
        """Raises UserNotFound, RoleNotGrantable. A role that is held already stays, untold."""
        actor.require_role(Role.ADMIN)
        if command.role not in GRANTABLE:
            raise RoleNotGrantable
        user = await users.get_for_update(uow.session, command.user_id)
        if await users.grant_role(uow.session, user.id, command.role, self._clock()):
            granted = events.user_role_granted(
                user.id, user.next_version(), role=command.role, seller_id=None, actor_id=actor.user_id
            )
            await self._outbox.append(uow, granted)
            await self._forget_sessions(uow, user.id)
        return Outcome.of(user=user.id)

    async def revoke(self, uow: UnitOfWork, actor: Actor, command: RevokeRole) -> Outcome:
        """Raises UserNotFound, RoleNotGrantable for everybody's customer role, OwnAdminRole."""
        actor.require_role(Role.ADMIN)
        if command.role is Role.CUSTOMER:
            raise RoleNotGrantable
        if command.role is Role.ADMIN and command.user_id == actor.user_id:
            raise OwnAdminRole
        user = await users.get_for_update(uow.session, command.user_id)
        if await users.revoke_roles(uow.session, user.id, [command.role], self._clock()):
            revoked = events.user_role_revoked(
                user.id, user.next_version(), role=command.role, actor_id=actor.require_user()
            )
            await self._outbox.append(uow, revoked)
            await self._forget_sessions(uow, user.id)
        return Outcome.of(user=user.id)

    async def on_seller_approved(self, uow: UnitOfWork, event: ReceivedEvent) -> None:
        """The owner of an approved seller acts for it from now on; an approval told again or late changes nothing."""
        approval = event.payload
        seller_id, version = UUID(approval["seller_id"]), int(approval["version"])
        user = await users.find_for_update(uow.session, UUID(approval["owner_id"]))
        if user is None:
            return
        held = await users.find_seller_grant(uow.session, user.id)
        if held is not None and not held.admits(seller_id, version):
            return
        await users.grant_seller(uow.session, user.id, seller_id, version, self._clock())
        if held is None or held.revoked or held.seller_id != seller_id:
            granted = events.user_role_granted(
                user.id,
                user.next_version(),
                role=Role.SELLER,
                seller_id=seller_id,
                actor_id=UUID(approval["actor_id"]),
            )
            await self._outbox.append(uow, granted)
            await self._forget_sessions(uow, user.id)

    async def _forget_sessions(self, uow: UnitOfWork, user_id: UUID) -> None:
        self._guard.forget(uow, await sessions.live_sessions(uow.session, user_id))

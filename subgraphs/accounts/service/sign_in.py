"""Sessions: how one starts, goes on and ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.auth.actor import Actor
from shared.clock import Clock
from shared.db.database import Database, UnitOfWork
from shared.db.idempotency import Outcome
from shared.db.scope import Scope
from shared.ids import new_id
from shared.messaging.outbox import Outbox
from subgraphs.accounts import events
from subgraphs.accounts.adapters.access_tokens import ACCESS_TOKEN_LIFE, AccessTokens
from subgraphs.accounts.adapters.passwords import PasswordHasher
from subgraphs.accounts.domain.commands import Login, Logout, LogoutAll, RefreshToken
from subgraphs.accounts.domain.sessions import Session
from subgraphs.accounts.domain.tokens import account_key, new_token, token_digest
from subgraphs.accounts.domain.users import Rights
from subgraphs.accounts.errors import InvalidCredentials, InvalidRefreshToken
from subgraphs.accounts.repository import credentials, sessions, users
from subgraphs.accounts.service.liveness import SessionGuard
from subgraphs.accounts.service.throttle import AttemptThrottle, Guess


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What the client takes away. `refresh_token` is nowhere else; `expires_in` is the access token's life, seconds."""

    actor: Actor
    access_token: str
    refresh_token: str
    expires_in: int


class SignIn:
    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        clock: Clock,
        *,
        hasher: PasswordHasher,
        access_tokens: AccessTokens,
        guard: SessionGuard,
        throttle: AttemptThrottle,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._clock = clock
        self._hasher = hasher
        self._access_tokens = access_tokens
        self._guard = guard
        self._throttle = throttle

    async def login(self, command: Login, client: bytes | None = None) -> SignedIn:
        """A new session. Raises TooManyAttempts, and InvalidCredentials alike for a wrong password and nobody's address.

        No transaction is open while the password is hashed.
        """
        guess = Guess(account_key(command.email), client)
        async with self._throttle.attempt(guess):
            async with self._database.read() as session:
                user = await users.find_by_email(session, command.email)
                known = await credentials.find_password_hash(session, user.id if user else new_id())
            if not await self._hasher.verify(known, command.password.get_secret_value()):
                await self._throttle.count_failure(guess)
                raise InvalidCredentials
            if user is None or known is None:
                raise InvalidCredentials
            return await self._start(user.id, known, guess.account)

    async def _start(self, user_id: UUID, verified_hash: str, key: bytes) -> SignedIn:
        async with self._database.unit_of_work(Scope.ALL) as uow:
            user = await users.find_for_update(uow.session, user_id)
            # The password may have changed, or the account been erased, while the given one was being hashed.
            if user is None or await credentials.find_password_hash(uow.session, user_id) != verified_hash:
                raise InvalidCredentials
            await self._throttle.clear(uow, key)
            secret = new_token()
            session = Session.start(new_id(), user_id, token_digest(secret), self._clock())
            uow.session.add(session)
            return self._signed_in(session, await users.rights_of(uow.session, user_id), secret)

    async def refresh(self, command: RefreshToken) -> SignedIn:
        """Trade a refresh token for its successor. Raises InvalidRefreshToken.

        A token that was traded before ends its whole family: either the client or a thief holds a copy.
        """
        arrived_at = self._clock()
        digest = token_digest(command.refresh_token.get_secret_value())
        async with self._database.unit_of_work(Scope.ALL) as uow:
            session = await sessions.find_by_token_for_update(uow.session, digest)
            if session is not None and session.is_live(self._clock()):
                return await self._rotate(uow, session)
        # A transaction of its own: whoever waited above for another's rotation got no row, but holds its lock, and the
        # user must be locked first. The refusal comes after it, so that what it decides stays decided.
        async with self._database.unit_of_work(Scope.ALL) as uow:
            await self._end_family_of_copy(uow, digest, arrived_at)
        raise InvalidRefreshToken

    async def _rotate(self, uow: UnitOfWork, session: Session) -> SignedIn:
        secret = new_token()
        await sessions.add_spent(uow.session, session.rotate(token_digest(secret), self._clock()))
        return self._signed_in(session, await users.rights_of(uow.session, session.user_id), secret)

    async def _end_family_of_copy(self, uow: UnitOfWork, digest: bytes, arrived_at: datetime) -> None:
        found = await sessions.find_spent(uow.session, digest)
        if found is None:
            return
        spent, user_id = found
        if not spent.is_replayed(arrived_at):
            return
        user = await users.find_for_update(uow.session, user_id)
        session = await sessions.find_for_update(uow.session, spent.session_id)
        if user is None or session is None or session.revoked_at is not None:
            return
        session.revoke(self._clock())
        self._guard.end(uow, [session.id])
        revoked = events.user_session_family_revoked(user.id, user.next_version(), session_id=session.id)
        await self._outbox.append(uow, revoked)

    async def logout(self, uow: UnitOfWork, actor: Actor, _: Logout) -> Outcome:
        """End the session of the access token."""
        session = await sessions.find_for_update(uow.session, actor.session_id) if actor.session_id else None
        if session is not None:
            session.revoke(self._clock())
            self._guard.end(uow, [session.id])
        return Outcome.of(session=actor.session_id)

    async def logout_all(self, uow: UnitOfWork, actor: Actor, _: LogoutAll) -> Outcome:
        """End every session of the user, on every device."""
        user = await users.get_for_update(uow.session, actor.require_user())
        self._guard.end(uow, await sessions.revoke_all(uow.session, user.id, self._clock()))
        return Outcome.of(user=user.id)

    def _signed_in(self, session: Session, rights: Rights, refresh_token: str) -> SignedIn:
        return SignedIn(
            actor=Actor(session.user_id, session.id, rights.roles, rights.seller_id),
            access_token=self._access_tokens.sign(session.user_id, session.id, rights),
            refresh_token=refresh_token,
            expires_in=int(ACCESS_TOKEN_LIFE.total_seconds()),
        )

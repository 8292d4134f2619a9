"""How a password is changed, by who knows it or by who reads the account's mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from shared.auth.actor import Actor
from shared.auth.sealing import Sealer
from shared.clock import Clock
from shared.db.database import Database, UnitOfWork
from shared.db.idempotency import Outcome
from shared.errors import Refusal
from shared.messaging.outbox import Outbox
from subgraphs.accounts import events
from subgraphs.accounts.adapters.passwords import PasswordHasher
from subgraphs.accounts.domain.commands import ChangePassword, RequestPasswordReset, ResetPassword
from subgraphs.accounts.domain.tokens import OneTimeToken, TokenKind, account_key, token_digest
from subgraphs.accounts.errors import InvalidToken, TooManyAttempts, UserNotFound, WrongPassword
from subgraphs.accounts.repository import credentials, sessions, users
from subgraphs.accounts.service.liveness import SessionGuard
from subgraphs.accounts.service.throttle import AttemptThrottle, Guess

RESET_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class PreparedChange:
    """The hash that the present password was verified against, and the new one's."""

    verified_hash: str
    new_hash: str


class Passwords:
    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        clock: Clock,
        *,
        hasher: PasswordHasher,
        sealer: Sealer,
        guard: SessionGuard,
        throttle: AttemptThrottle,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._clock = clock
        self._hasher = hasher
        self._sealer = sealer
        self._guard = guard
        self._throttle = throttle

    async def request_reset(self, uow: UnitOfWork, _: Actor, command: RequestPasswordReset) -> Outcome:
        """Have a token mailed to the account's address. The answer is the same where there is no such account.

        Anybody may ask for anybody: within `RESET_PAUSE` a further request neither floods the mailbox nor ends the token
        that its owner has just been sent.
        """
        now = self._clock()
        user = await users.find_by_email_for_update(uow.session, command.email)
        if user is not None and not await credentials.has_unused_token_since(
            uow.session, user.id, TokenKind.RESET_PASSWORD, now - RESET_PAUSE
        ):
            token, secret = OneTimeToken.issue(user.id, TokenKind.RESET_PASSWORD, now)
            await credentials.add_token(uow.session, token)
            requested = events.user_password_reset_requested(
                user.id, user.next_version(), sealed_token=self._sealer.seal(secret), expires_at=token.expires_at
            )
            await self._outbox.append(uow, requested)
        return Outcome.of()

    async def reset(self, uow: UnitOfWork, _: Actor, command: ResetPassword) -> Outcome:
        """Set a password by the mailed token; every session ends. Raises InvalidToken.

        Only who holds a good token gets as far as the hashing, so that doing it inside costs little.
        """
        now = self._clock()
        digest = token_digest(command.token.get_secret_value())
        user_id = await credentials.use_token(uow.session, digest, TokenKind.RESET_PASSWORD, now)
        user = await users.find_for_update(uow.session, user_id) if user_id else None
        if user is None:
            raise InvalidToken
        new_hash = await self._hasher.hash(command.new_password.get_secret_value())
        await credentials.set_password_hash(uow.session, user.id, new_hash, now)
        self._guard.end(uow, await sessions.revoke_all(uow.session, user.id, now))
        if user.email is not None:
            await self._throttle.clear(uow, account_key(user.email))
        await self._outbox.append(uow, events.user_password_changed(user.id, user.next_version()))
        return Outcome.of()

    async def prepare_change(self, actor: Actor, command: ChangePassword) -> PreparedChange | Refusal:
        """Verify and hash before the transaction. A refusal is an answer here: `change` raises it as the outcome.

        Raises Unauthenticated for an ended session: it may not be used to guess.
        """
        async with self._database.read(actor.scope()) as session:
            await self._guard.require_live(actor, lambda sid: sessions.find_live(session, sid, self._clock()))
            user = (await users.users_by_id(session, [actor.require_user()])).get(actor.require_user())
            known = await credentials.find_password_hash(session, actor.require_user())
        if user is None or user.email is None:
            return UserNotFound()
        guess = Guess(account_key(user.email), actor.client)
        try:
            async with self._throttle.attempt(guess):
                if known is None or not await self._hasher.verify(known, command.current_password.get_secret_value()):
                    await self._throttle.count_failure(guess)
                    return WrongPassword()
        except TooManyAttempts as refusal:
            return refusal
        return PreparedChange(known, await self._hasher.hash(command.new_password.get_secret_value()))

    async def change(
        self, uow: UnitOfWork, actor: Actor, _: ChangePassword, *, prepared: PreparedChange | Refusal
    ) -> Outcome:
        """Set the new password; every other session ends. Raises WrongPassword, TooManyAttempts."""
        if isinstance(prepared, Refusal):
            raise prepared
        user = await users.get_for_update(uow.session, actor.require_user())
        if await credentials.find_password_hash(uow.session, user.id) != prepared.verified_hash:
            raise WrongPassword
        now = self._clock()
        await credentials.set_password_hash(uow.session, user.id, prepared.new_hash, now)
        self._guard.end(uow, await sessions.revoke_all(uow.session, user.id, now, but=actor.session_id))
        if user.email is not None:
            await self._throttle.clear(uow, account_key(user.email))
        await self._outbox.append(uow, events.user_password_changed(user.id, user.next_version()))
        return Outcome.of(user=user.id)

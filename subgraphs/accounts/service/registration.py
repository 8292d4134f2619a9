"""How an account comes to be."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from shared.auth.actor import Actor, Role
from shared.auth.sealing import Sealer
from shared.clock import Clock
from shared.db.database import UnitOfWork
from shared.db.idempotency import Outcome
from shared.ids import new_id
from shared.messaging.outbox import Outbox
from subgraphs.accounts import events
from subgraphs.accounts.adapters.passwords import PasswordHasher
from subgraphs.accounts.domain.commands import Register, VerifyEmail
from subgraphs.accounts.domain.tokens import OneTimeToken, TokenKind, token_digest
from subgraphs.accounts.domain.users import GRANTABLE, UserAccount
from subgraphs.accounts.errors import EmailTaken, InvalidToken
from subgraphs.accounts.repository import credentials, users


class Registration:
    def __init__(self, outbox: Outbox, clock: Clock, hasher: PasswordHasher, sealer: Sealer) -> None:
        self._outbox = outbox
        self._clock = clock
        self._hasher = hasher
        self._sealer = sealer

    async def hash_password(self, command: Register) -> str:
        """Done before the transaction, which would otherwise hold a connection for as long as hashing takes."""
        return await self._hasher.hash(command.password.get_secret_value())

    async def register(self, uow: UnitOfWork, _: Actor, command: Register, *, prepared: str) -> Outcome:
        """`prepared` is the password's hash. Raises EmailTaken."""
        user = self._new_user(command.email, command.display_name, command.locale)
        await self._create(uow, user, command.email, prepared)
        return Outcome.of(user=user.id)

    async def verify_email(self, uow: UnitOfWork, _: Actor, command: VerifyEmail) -> Outcome:
        """Whoever shows the mailed token has read the mail. Raises InvalidToken."""
        now = self._clock()
        digest = token_digest(command.token.get_secret_value())
        user_id = await credentials.use_token(uow.session, digest, TokenKind.VERIFY_EMAIL, now)
        user = await users.find_for_update(uow.session, user_id) if user_id else None
        if user is None:
            raise InvalidToken
        if user.verify_email(now):
            await self._outbox.append(uow, events.user_email_verified(user.id, user.next_version()))
        return Outcome.of(user=user.id)

    async def ensure_user(
        self, uow: UnitOfWork, *, email: str, password: str, display_name: str, roles: Iterable[Role] = ()
    ) -> UUID:
        """The verified user of this address with these roles, made if there is none; for seeding, not for clients.

        An existing user keeps password and name. Raises ValueError for the seller role, which an approval gives.
        """
        wanted = set(roles) - {Role.CUSTOMER}
        if not wanted <= GRANTABLE:
            raise ValueError(f"roles that cannot be granted: {sorted(wanted - GRANTABLE)}")
        user = await users.find_by_email_for_update(uow.session, email)
        if user is None:
            user = self._new_user(email, display_name, "en")
            await self._create(uow, user, email, await self._hasher.hash(password))
            user = await users.get_for_update(uow.session, user.id)
        if user.verify_email(self._clock()):
            await self._outbox.append(uow, events.user_email_verified(user.id, user.next_version()))
        for role in sorted(wanted):
            if await users.grant_role(uow.session, user.id, role, self._clock()):
                granted = events.user_role_granted(
                    user.id, user.next_version(), role=role, seller_id=None, actor_id=None
                )
                await self._outbox.append(uow, granted)
        return user.id

    def _new_user(self, email: str, display_name: str, locale: str) -> UserAccount:
        return UserAccount(
            id=new_id(),
            email=email,
            display_name=display_name,
            locale=locale,
            email_verified_at=None,
            erased_at=None,
            version=1,
            created_at=self._clock(),
        )

    async def _create(self, uow: UnitOfWork, user: UserAccount, email: str, password_hash: str) -> None:
        if not await users.add(uow.session, user):
            raise EmailTaken
        now = self._clock()
        await credentials.set_password_hash(uow.session, user.id, password_hash, now)
        await users.grant_role(uow.session, user.id, Role.CUSTOMER, now)
        token, secret = OneTimeToken.issue(user.id, TokenKind.VERIFY_EMAIL, now)
        await credentials.add_token(uow.session, token)
        registered = events.user_registered(
            user.id,
            user.version,
            sealed_email=self._sealer.seal(email),
            sealed_verification_token=self._sealer.seal(secret),
            locale=user.locale,
        )
        await self._outbox.append(uow, registered)

"""Slows down whoever guesses a password: the sixth attempt in a quarter of an hour is refused before any hashing.

Failures count by account, against many who guess one password, and by client, against one who guesses at many accounts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from weakref import WeakValueDictionary

from shared.clock import Clock
from shared.db.database import Database, UnitOfWork
from shared.db.scope import Scope
from subgraphs.accounts.errors import TooManyAttempts
from subgraphs.accounts.repository import credentials

MAX_FAILURES = 5
WINDOW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Guess:
    """By what an attempt counts: the account, and the address it comes from where the gateway tells it."""

    account: bytes
    client: bytes | None = None


class AttemptThrottle:
    """Counts failures in Postgres, so that an emptied Redis opens no door. Unknown accounts are counted alike."""

    def __init__(self, database: Database, clock: Clock, *, per_client: int) -> None:
        self._database = database
        self._clock = clock
        self._per_client = per_client
        self._turns: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def attempt(self, guess: Guess) -> AsyncIterator[None]:
        """One attempt at this account. Raises TooManyAttempts.

        One at a time in this process, by account and by client: a burst would otherwise all be let in before the first
        failure is counted.
        """
        async with AsyncExitStack() as turns:
            # The account's turn always comes first, so that no two wait for one another.
            for key in (guess.account, guess.client):
                if key is not None:
                    await turns.enter_async_context(self._turns.setdefault(key, asyncio.Lock()))
            async with self._database.read() as session:
                since = self._clock() - WINDOW
                of_account, of_client = await credentials.count_attempts(session, guess.account, guess.client, since)
            if of_account >= MAX_FAILURES or of_client >= self._per_client:
                raise TooManyAttempts
            yield

    async def count_failure(self, guess: Guess) -> None:
        """In a transaction of its own: the refusal that follows undoes nothing of it."""
        async with self._database.unit_of_work(Scope.PUBLIC) as uow:
            await credentials.add_attempt(uow.session, guess.account, guess.client, self._clock())

    async def clear(self, uow: UnitOfWork, account_key: bytes) -> None:
        """What failed at this account counts no longer; what the same client failed at other accounts still does."""
        await credentials.clear_attempts(uow.session, account_key)

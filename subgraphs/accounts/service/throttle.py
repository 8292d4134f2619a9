"""Slows down whoever guesses a password: the sixth attempt in a quarter of an hour is refused before any hashing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from weakref import WeakValueDictionary

from shared.clock import Clock
from shared.db.database import Database, UnitOfWork
from shared.db.scope import Scope
from subgraphs.accounts.errors import TooManyAttempts
from subgraphs.accounts.repository import credentials

MAX_FAILURES = 5
WINDOW = timedelta(minutes=15)


class AttemptThrottle:
    """Counts failures in Postgres, so that an emptied Redis opens no door. Unknown accounts are counted alike."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._turns: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def attempt(self, account_key: bytes) -> AsyncIterator[None]:
        """One attempt at this account. Raises TooManyAttempts.

        One at a time in this process: a burst would otherwise all be let in before the first failure is counted.
        """
        turn = self._turns.setdefault(account_key, asyncio.Lock())
        async with turn:
            async with self._database.read() as session:
                failures = await credentials.count_attempts(session, account_key, self._clock() - WINDOW)
            if failures >= MAX_FAILURES:
                raise TooManyAttempts
            yield

    async def count_failure(self, account_key: bytes) -> None:
        """In a transaction of its own: the refusal that follows undoes nothing of it."""
        async with self._database.unit_of_work(Scope.PUBLIC) as uow:
            await credentials.add_attempt(uow.session, account_key, self._clock())

    async def clear(self, uow: UnitOfWork, account_key: bytes) -> None:
        await credentials.clear_attempts(uow.session, account_key)

"""argon2id in a bounded pool of threads: a hash takes some 100 ms of a core, and must not stop the event loop."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

MEMORY_KIB = 19 * 1024
PASSES = 2
LANES = 1
THREADS = 2


class PasswordHasher:
    """Parameters as OWASP gives them: 19 MiB, two passes, one lane. At most `THREADS` hashes run at once."""

    def __init__(self) -> None:
        self._argon2 = argon2.PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        # Nobody has this password: verifying against it makes an unknown address cost what a known one costs.
        self._nobody = self._argon2.hash(secrets.token_urlsafe(32))

    async def hash(self, password: str) -> str:
        """In PHC form, with a salt of its own."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._argon2.hash, _normal(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """False also where there is no hash, after the same work."""
        loop = asyncio.get_running_loop()
        given = _normal(password)
        matches = await loop.run_in_executor(self._threads, self._matches, password_hash or self._nobody, given)
        return matches and password_hash is not None

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._argon2.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


def _normal(password: str) -> str:
    """Keyboards compose the same letter in different ways."""
    return unicodedata.normalize("NFKC", password)

"""A partner's program and its keys: one that is good until further notice, and for a while the one it replaced."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from subgraphs.accounts.domain.tokens import token_digest

_KEY_PREFIX = "mkp_"
"""By which scanners of leaked secrets, and people, know what they found."""


@dataclass(eq=False)
class ApiClient:
    """`version` counts the events told about it. `scopes` are in order; None as a quota is no quota."""

    id: UUID
    name: str
    scopes: list[str]
    requests_per_minute: int
    operations_per_day: int | None
    operations_per_month: int | None
    version: int
    created_at: datetime
    revoked_at: datetime | None

    def next_version(self) -> int:
        self.version += 1
        return self.version

    def revoke(self, now: datetime) -> bool:
        """Whether this was news."""
        if self.revoked_at is not None:
            return False
        self.revoked_at = now
        return True


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key at the only moment it is known in clear."""

    text: str

    @classmethod
    def make(cls) -> NewKey:
        return cls(_KEY_PREFIX + secrets.token_urlsafe(32))

    @property
    def digest(self) -> bytes:
        """SHA-256 is right for 256 random bits: there is nothing to guess, so a slow hash would only cost each request."""
        return token_digest(self.text)


@dataclass(frozen=True, slots=True)
class ApiClientKey:
    """A key as it is kept; `expires_at` None is the current one."""

    key_hash: bytes
    api_client_id: UUID
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class ActiveApiClient:
    """A client that may ask, with the keys by which the gateway knows it."""

    client: ApiClient
    keys: tuple[ApiClientKey, ...]

"""A session is a family of refresh tokens: each is used once and replaced, and a copy of a used one ends the family."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from subgraphs.accounts.domain.users import Rights

SESSION_LIFE = timedelta(days=30)
"""From the sign-in; refreshing does not prolong it."""


@dataclass(frozen=True, slots=True)
class SpentToken:
    """A refresh token that was rotated away."""

    token_hash: bytes
    session_id: UUID
    spent_at: datetime

    def is_replayed(self, arrived_at: datetime) -> bool:
        """Whether a request that arrived then shows a copy, rather than having raced the rotation.

        A client that refreshes twice at once (two tabs) is not a thief: the loser is refused, the family lives. If it
        tries the spent token again it arrives after the rotation, and that is a replay.
        """
        return arrived_at > self.spent_at


@dataclass(eq=False)
class Session:
    """`token_hash` is of the one refresh token that is good now; `generation` counts the rotations from 1."""

    id: UUID
    user_id: UUID
    token_hash: bytes
    generation: int
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    @classmethod
    def start(cls, session_id: UUID, user_id: UUID, token_hash: bytes, now: datetime) -> Session:
        return cls(session_id, user_id, token_hash, 1, now, now + SESSION_LIFE, None)

    def is_live(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at

    def rotate(self, token_hash: bytes, now: datetime) -> SpentToken:
        """Replace the current token; the answer is the one that is now spent."""
        spent = SpentToken(self.token_hash, self.id, now)
        self.token_hash = token_hash
        self.generation += 1
        return spent

    def revoke(self, now: datetime) -> None:
        if self.revoked_at is None:
            self.revoked_at = now


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that has not ended, with what its user may do now."""

    user_id: UUID
    rights: Rights

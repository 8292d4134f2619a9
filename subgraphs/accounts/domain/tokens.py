"""Secrets that a client or a mail carries: 256 random bits, of which only the SHA-256 is kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID


class TokenKind(StrEnum):
    """What a mailed token lets its holder do, once."""

    VERIFY_EMAIL = "VERIFY_EMAIL"
    RESET_PASSWORD = "RESET_PASSWORD"  # noqa: S105 — a kind, no token.

    @property
    def life(self) -> timedelta:
        return timedelta(days=3) if self is TokenKind.VERIFY_EMAIL else timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class OneTimeToken:
    """A mailed token as it is kept."""

    token_hash: bytes
    user_id: UUID
    kind: TokenKind
    created_at: datetime
    expires_at: datetime

    @classmethod
    def issue(cls, user_id: UUID, kind: TokenKind, now: datetime) -> tuple[OneTimeToken, str]:
        """The token to keep and the secret to mail."""
        secret = new_token()
        return cls(token_digest(secret), user_id, kind, now, now + kind.life), secret


def new_token() -> str:
    """Safe in a URL."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> bytes:
    """A plain hash is enough: nobody guesses 256 random bits, unlike a password."""
    return hashlib.sha256(token.encode()).digest()


def account_key(email: str) -> bytes:
    """By what failed attempts at an account are counted, whether it exists or not."""
    return hashlib.sha256(email.strip().lower().encode()).digest()

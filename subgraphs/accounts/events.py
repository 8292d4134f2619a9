"""What accounts tells the others. Payloads carry ids; an address or a token only sealed for notifications."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from shared.clock import format_timestamp
from shared.messaging.contract import JSON, DomainEvent


def user_registered(
    user_id: UUID, version: int, *, sealed_email: str, sealed_verification_token: str, locale: str
) -> DomainEvent:
    return _event(
        "registered",
        user_id,
        version,
        sealed_email=sealed_email,
        sealed_verification_token=sealed_verification_token,
        locale=locale,
    )


def user_email_verified(user_id: UUID, version: int) -> DomainEvent:
    return _event("email_verified", user_id, version)


def user_password_reset_requested(
    user_id: UUID, version: int, *, sealed_token: str, expires_at: datetime
) -> DomainEvent:
    return _event(
        "password_reset_requested",
        user_id,
        version,
        sealed_token=sealed_token,
        expires_at=format_timestamp(expires_at),
    )


def user_password_changed(user_id: UUID, version: int) -> DomainEvent:
    return _event("password_changed", user_id, version)


def user_role_granted(
    user_id: UUID, version: int, *, role: str, seller_id: UUID | None, actor_id: UUID | None
) -> DomainEvent:
    return _event("role_granted", user_id, version, role=role, seller_id=_text(seller_id), actor_id=_text(actor_id))


def user_role_revoked(user_id: UUID, version: int, *, role: str, actor_id: UUID) -> DomainEvent:
    return _event("role_revoked", user_id, version, role=role, actor_id=str(actor_id))


def user_session_family_revoked(user_id: UUID, version: int, *, session_id: UUID) -> DomainEvent:
    return _event("session_family_revoked", user_id, version, session_id=str(session_id))


def user_erasure_requested(user_id: UUID, version: int) -> DomainEvent:
    return _event("erasure_requested", user_id, version)


def _event(what: str, user_id: UUID, version: int, **more: JSON) -> DomainEvent:
    return DomainEvent(f"user.{what}", "user", user_id, version, {"user_id": str(user_id), **more})


def _text(value: UUID | None) -> str | None:
    return str(value) if value else None

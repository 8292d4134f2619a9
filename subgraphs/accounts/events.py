"""What accounts tells the others. Payloads carry ids; an address or a token only sealed for notifications."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from shared.clock import format_timestamp
from shared.messaging.contract import JSON, DomainEvent
from subgraphs.accounts.domain.api_clients import ApiClient


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


def api_client_created(client: ApiClient, *, actor_id: UUID) -> DomainEvent:
    # `name` is left out of audit entries, since elsewhere it is a person's.
    return _client_event(
        "created",
        client.id,
        client.version,
        client_name=client.name,
        scopes=list(client.scopes),
        requests_per_minute=client.requests_per_minute,
        operations_per_day=client.operations_per_day,
        operations_per_month=client.operations_per_month,
        actor_id=str(actor_id),
    )


def api_client_key_rotated(
    client_id: UUID, version: int, *, previous_expires_at: datetime, actor_id: UUID
) -> DomainEvent:
    return _client_event(
        "key_rotated",
        client_id,
        version,
        previous_expires_at=format_timestamp(previous_expires_at),
        actor_id=str(actor_id),
    )


def api_client_revoked(client_id: UUID, version: int, *, actor_id: UUID) -> DomainEvent:
    return _client_event("revoked", client_id, version, actor_id=str(actor_id))


def _client_event(what: str, client_id: UUID, version: int, **more: JSON) -> DomainEvent:
    payload: dict[str, JSON] = {"api_client_id": str(client_id), **more}
    return DomainEvent(f"api_client.{what}", "api_client", client_id, version, payload)


def _event(what: str, user_id: UUID, version: int, **more: JSON) -> DomainEvent:
    return DomainEvent(f"user.{what}", "user", user_id, version, {"user_id": str(user_id), **more})


def _text(value: UUID | None) -> str | None:
    return str(value) if value else None

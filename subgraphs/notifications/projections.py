"""Local copies of foreign facts: where a user's mail goes, and who owns a seller."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from shared.db.database import UnitOfWork
from shared.messaging.consumer import Handler
from shared.messaging.contract import ReceivedEvent
from subgraphs.notifications import repository


async def on_user_registered(uow: UnitOfWork, event: ReceivedEvent) -> None:
    user_id = UUID(event.payload["user_id"])
    await _keep_address(uow, event)
    if "locale" in event.payload:
        await repository.keep_locale(uow.session, user_id, event.payload["locale"])


async def on_user_email_changed(uow: UnitOfWork, event: ReceivedEvent) -> None:
    await _keep_address(uow, event)


async def on_user_erasure_requested(uow: UnitOfWork, event: ReceivedEvent) -> None:
    await repository.erase_recipient(uow.session, UUID(event.payload["user_id"]), event.occurred_at)


async def on_seller_told(uow: UnitOfWork, event: ReceivedEvent) -> None:
    seller = event.payload
    await repository.keep_owner(uow.session, UUID(seller["seller_id"]), UUID(seller["owner_id"]), seller["version"])


async def _keep_address(uow: UnitOfWork, event: ReceivedEvent) -> None:
    user = event.payload
    await repository.keep_address(uow.session, UUID(user["user_id"]), user["sealed_email"], event.aggregate_version)


PROJECTIONS: Mapping[str, Handler] = {
    "user.registered": on_user_registered,
    "user.email_changed": on_user_email_changed,
    "user.erasure_requested": on_user_erasure_requested,
    "seller.applied": on_seller_told,
    "seller.approved": on_seller_told,
    "seller.changes_requested": on_seller_told,
    "seller.rejected": on_seller_told,
    "seller.suspended": on_seller_told,
    "seller.reinstated": on_seller_told,
}

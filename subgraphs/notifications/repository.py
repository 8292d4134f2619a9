"""All SQL of notifications."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db.keyset import Page, PageRequest, SortKey, fetch_page, fetch_pages
from subgraphs.notifications import models
from subgraphs.notifications.domain.notification import Delivery, Notification, NotificationStatus, Recipient
from subgraphs.notifications.errors import NotificationNotFound

_t = models.notification
_recipient = models.recipient
_owner = models.seller_owner
NEWEST_FIRST: SortKey[Notification] = SortKey(
    column=_t.c.created_at,
    id_column=_t.c.id,
    value=lambda notification: notification.created_at,
    id=lambda notification: notification.id,
    descending=True,
)
_OPEN = (NotificationStatus.WAITING_RECIPIENT, NotificationStatus.QUEUED)


# --- recipients and owners -------------------------------------------------------------------------------------------


async def meet_recipients(session: AsyncSession, user_ids: Iterable[UUID]) -> Mapping[UUID, Recipient]:
    """These users, known or not, held so that whoever learns an address meanwhile waits for this transaction."""
    t, ordered = _recipient, sorted(set(user_ids))
    if not ordered:
        return {}
    await session.execute(insert(t).values([{"user_id": user_id} for user_id in ordered]).on_conflict_do_nothing())
    held = select(t.c.user_id, t.c.sealed_email, t.c.erased_at).where(t.c.user_id.in_(ordered)).order_by(t.c.user_id)
    rows = await session.execute(held.with_for_update(read=True))
    return {row.user_id: Recipient(row.user_id, row.sealed_email, erased=row.erased_at is not None) for row in rows}


async def meet_owners(session: AsyncSession, seller_ids: Iterable[UUID]) -> Mapping[UUID, UUID | None]:
    """The owner of each seller, None where nobody has told yet; held as recipients are."""
    t, ordered = _owner, sorted(set(seller_ids))
    if not ordered:
        return {}
    await session.execute(
        insert(t).values([{"seller_id": seller_id} for seller_id in ordered]).on_conflict_do_nothing()
    )
    held = select(t.c.seller_id, t.c.owner_id).where(t.c.seller_id.in_(ordered)).order_by(t.c.seller_id)
    rows = await session.execute(held.with_for_update(read=True))
    return {row.seller_id: row.owner_id for row in rows}


async def find_recipient(session: AsyncSession, user_id: UUID) -> Recipient | None:
    t = _recipient
    row = (await session.execute(select(t.c.sealed_email, t.c.erased_at).where(t.c.user_id == user_id))).first()
    return Recipient(user_id, row.sealed_email, erased=row.erased_at is not None) if row else None


async def keep_address(session: AsyncSession, user_id: UUID, sealed_email: str, version: int) -> None:
    """The newest address wins; after an erasure none does."""
    t = _recipient
    statement = insert(t).values(user_id=user_id, sealed_email=sealed_email, version=version)
    newer = (t.c.version < version) & t.c.erased_at.is_(None)
    new = {"sealed_email": sealed_email, "version": version}
    await session.execute(statement.on_conflict_do_update(index_elements=[t.c.user_id], set_=new, where=newer))


async def keep_locale(session: AsyncSession, user_id: UUID, locale: str) -> None:
    await session.execute(
        update(_recipient)
        .where(_recipient.c.user_id == user_id, _recipient.c.erased_at.is_(None))
        .values(locale=locale)
    )


async def erase_recipient(session: AsyncSession, user_id: UUID, erased_at: datetime) -> None:
    """Leaves the bare id as a tombstone: an older event that comes later brings nothing back."""
    t = _recipient
    erased = {"sealed_email": None, "locale": "en", "erased_at": erased_at}
    statement = insert(t).values(user_id=user_id, **erased)
    await session.execute(statement.on_conflict_do_update(index_elements=[t.c.user_id], set_=erased))


async def keep_owner(session: AsyncSession, seller_id: UUID, owner_id: UUID, version: int) -> None:
    t = _owner
    statement = insert(t).values(seller_id=seller_id, owner_id=owner_id, version=version)
    newest = {"owner_id": owner_id, "version": version}
    await session.execute(
        statement.on_conflict_do_update(index_elements=[t.c.seller_id], set_=newest, where=t.c.version < version)
    )


# --- notifications ---------------------------------------------------------------------------------------------------


async def known_keys(session: AsyncSession, dedupe_keys: Sequence[str]) -> frozenset[str]:
    """Which of these somebody has been told already."""
    return frozenset(await session.scalars(select(_t.c.dedupe_key).where(_t.c.dedupe_key.in_(dedupe_keys))))


async def get_for_update(session: AsyncSession, notification_id: UUID) -> Notification:
    """Locked until the transaction ends. Raises NotificationNotFound, also where row-level security hides it."""
    found = await find_for_update(session, notification_id)
    if found is None:
        raise NotificationNotFound
    return found


async def find_for_update(session: AsyncSession, notification_id: UUID) -> Notification | None:
    return await session.scalar(select(Notification).where(_t.c.id == notification_id).with_for_update())


async def waiting_for_user(session: AsyncSession, user_id: UUID) -> Sequence[Notification]:
    return await _waiting(session, _t.c.user_id == user_id)


async def waiting_for_owner(session: AsyncSession, seller_id: UUID) -> Sequence[Notification]:
    return await _waiting(session, (_t.c.seller_id == seller_id) & _t.c.user_id.is_(None))


async def open_or_worded_of(session: AsyncSession, user_id: UUID, free_text: str) -> Sequence[Notification]:
    """What an erasure touches: what is still to be sent, and what holds words that a person has written."""
    touched = _t.c.status.in_(_OPEN) | _t.c.data.has_key(free_text)
    statement = select(Notification).where(_t.c.user_id == user_id, touched).order_by(_t.c.created_at, _t.c.id)
    return (await session.scalars(statement.with_for_update())).all()


async def claim(session: AsyncSession, notification_id: UUID, now: datetime) -> Notification | None:
    """That notification, if its mail is due and nobody else is at it."""
    return await _claim(session, now, _t.c.id == notification_id)


async def claim_next(session: AsyncSession, now: datetime) -> Notification | None:
    """The one that is due longest and that no other worker claims."""
    return await _claim(session, now, _t.c.due_at.is_not(None))


async def add_delivery(session: AsyncSession, notification: Notification, delivery: Delivery, at: datetime) -> None:
    await session.execute(
        insert(models.delivery)
        .values(
            notification_id=notification.id,
            attempt=notification.attempts,
            outcome=delivery.outcome,
            reply_code=delivery.reply_code,
            at=at,
        )
        .on_conflict_do_nothing()
    )


# --- lists -----------------------------------------------------------------------------------------------------------


async def notifications_by_id(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, Notification]:
    return {found.id: found for found in await session.scalars(select(Notification).where(_t.c.id.in_(ids)))}


def of_user(user_id: UUID, *, unread: bool = False) -> Select[Notification]:
    statement = select(Notification).where(_t.c.user_id == user_id)
    return statement.where(_t.c.read_at.is_(None)) if unread else statement


async def notification_page(
    session: AsyncSession, statement: Select[Notification], request: PageRequest
) -> Page[Notification]:
    return await fetch_page(session, statement, NEWEST_FIRST, request)


async def count_notifications(session: AsyncSession, statement: Select[Notification]) -> int:
    return await session.scalar(select(func.count()).select_from(statement.subquery())) or 0


async def notification_pages_by_user(
    session: AsyncSession, user_ids: Sequence[UUID], request: PageRequest
) -> Mapping[UUID, Page[Notification]]:
    def user_of(notification: Notification) -> UUID:
        assert notification.user_id is not None
        return notification.user_id

    statement = select(Notification).where(_t.c.user_id.in_(user_ids))
    return await fetch_pages(session, statement, NEWEST_FIRST, request, parent=_t.c.user_id, parent_of=user_of)


async def _waiting(session: AsyncSession, whose: ColumnElement[bool]) -> Sequence[Notification]:
    waiting = whose & (_t.c.status == NotificationStatus.WAITING_RECIPIENT)
    statement = select(Notification).where(waiting).order_by(_t.c.created_at, _t.c.id)
    return (await session.scalars(statement.with_for_update())).all()


async def _claim(session: AsyncSession, now: datetime, wanted: ColumnElement[bool]) -> Notification | None:
    due = wanted & (_t.c.due_at <= now)
    statement = select(Notification).where(due).order_by(_t.c.due_at).limit(1).with_for_update(skip_locked=True)
    found: Notification | None = await session.scalar(statement)
    if found is not None:
        found.claim(now)
    return found

"""Tells people what concerns them, and lets what waits for a recipient go once that one is known."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from shared.clock import Clock
from shared.db.database import UnitOfWork
from shared.ids import new_id
from shared.messaging.contract import ReceivedEvent
from shared.messaging.notes import LiveNotes, Note
from shared.messaging.outbox import Outbox
from subgraphs.notifications import events, repository
from subgraphs.notifications.domain.notices import notices_of
from subgraphs.notifications.domain.notification import FREE_TEXT, Notification, NotificationStatus, Recipient

NOTIFICATION_ADDED = "notification_added"
"""Watched by user."""


class Announcements:
    """Works inside the consumer's transaction. Sellers are locked before users, each in the order of their ids."""

    def __init__(self, outbox: Outbox, clock: Clock, notes: LiveNotes) -> None:
        self._outbox = outbox
        self._clock = clock
        self._notes = notes

    async def announce(self, uow: UnitOfWork, event: ReceivedEvent) -> None:
        """Whoever the event concerns gets a notification, once; a mail is asked for where there is an address."""
        notices = notices_of(event.name, event.payload)
        if not notices:
            return
        told = await repository.known_keys(uow.session, [notice.dedupe_key(event.id) for notice in notices])
        now = self._clock()
        made = [
            Notification.of(notice, id=new_id(), event_id=event.id, now=now)
            for notice in notices
            if notice.dedupe_key(event.id) not in told
        ]
        uow.session.add_all(made)
        await self._address(uow, made)
        self._tell(uow, made)

    async def release_for_user(self, uow: UnitOfWork, user_id: UUID) -> None:
        """The user's address has come."""
        await self._address(uow, await repository.waiting_for_user(uow.session, user_id))

    async def release_for_owner(self, uow: UnitOfWork, seller_id: UUID) -> None:
        """The seller's owner has come to be known."""
        found = await repository.waiting_for_owner(uow.session, seller_id)
        await self._address(uow, found)
        self._tell(uow, found)

    async def forget(self, uow: UnitOfWork, user_id: UUID) -> None:
        """The user is erased: what was not sent yet never will be."""
        for notification in await repository.open_or_worded_of(uow.session, user_id, FREE_TEXT):
            was_open = notification.open
            notification.forget(self._clock())
            if was_open:
                await self._outbox.append(uow, events.settled(notification))

    def _tell(self, uow: UnitOfWork, fresh: Sequence[Notification]) -> None:
        """Whoever watches sees a notification once it is known to be theirs, whether or not a mail can leave yet."""
        users = [(found.user_id, found.id) for found in fresh if found.user_id is not None]
        self._notes.tell(uow, [Note(NOTIFICATION_ADDED, user_id, id_) for user_id, id_ in users])

    async def _address(self, uow: UnitOfWork, waiting: Sequence[Notification]) -> None:
        ownerless = [found for found in waiting if found.user_id is None]
        sellers = [found.seller_id for found in ownerless if found.seller_id is not None]
        owners = await repository.meet_owners(uow.session, sellers)
        for notification in ownerless:
            notification.user_id = owners.get(notification.seller_id) if notification.seller_id else None
        users = [found.user_id for found in waiting if found.user_id is not None]
        recipients = await repository.meet_recipients(uow.session, users)
        for notification in waiting:
            if notification.user_id is not None:
                await self._hand_over(uow, notification, recipients[notification.user_id])

    async def _hand_over(self, uow: UnitOfWork, notification: Notification, recipient: Recipient) -> None:
        if not notification.address(recipient, self._clock()):
            return
        queued = notification.status is NotificationStatus.QUEUED
        event = events.mail_requested(notification) if queued else events.settled(notification)
        await self._outbox.append(uow, event)

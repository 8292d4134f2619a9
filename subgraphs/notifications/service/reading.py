"""What a reader does with notifications."""

from __future__ import annotations

from shared.auth.actor import Actor
from shared.clock import Clock
from shared.db.database import UnitOfWork
from shared.db.idempotency import Outcome
from subgraphs.notifications import repository
from subgraphs.notifications.domain.notification import MarkNotificationRead
from subgraphs.notifications.errors import NotificationNotFound


class Reading:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def mark_notification_read(self, uow: UnitOfWork, actor: Actor, command: MarkNotificationRead) -> Outcome:
        """Once read stays read. Raises NotificationNotFound, also for another user's: nobody reads for somebody else."""
        user_id = actor.require_user()
        notification = await repository.get_for_update(uow.session, command.notification_id)
        if notification.user_id != user_id:
            raise NotificationNotFound
        notification.mark_read(self._clock())
        return Outcome.of(notification=notification.id)

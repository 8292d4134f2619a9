"""Live updates of notifications: each note is a reading anew, with the scope of whoever watches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import strawberry

from subgraphs.notifications import repository
from subgraphs.notifications.graphql.context import Info
from subgraphs.notifications.graphql.types import Notification
from subgraphs.notifications.service.announcements import NOTIFICATION_ADDED


@strawberry.type
class Subscription:
    @strawberry.subscription(
        description="What you are told, as soon as it is there. Read the list of notifications once more after each new"
        " connection."
    )
    async def my_notification_added(self, info: Info) -> AsyncIterator[Notification]:
        context = info.context
        user_id = context.actor.require_user()

        async def show(added: UUID) -> Notification | None:
            # Past the loaders, which would remember it.
            async with context.database.read(context.actor.scope()) as session:
                found = (await repository.notifications_by_id(session, [added])).get(added)
            return Notification.of(found) if found else None

        return await context.hub.watch(NOTIFICATION_ADDED, (user_id,), show)

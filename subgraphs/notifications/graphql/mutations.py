"""Writes of notifications."""

from __future__ import annotations

from uuid import UUID

import strawberry

from shared.graphql.types import user_errors
from subgraphs.notifications.errors import NotificationsErrorCode
from subgraphs.notifications.graphql.context import Info
from subgraphs.notifications.graphql.inputs import MarkNotificationReadInput
from subgraphs.notifications.graphql.types import MarkNotificationReadPayload, Notification


@strawberry.type
class Mutation:
    @strawberry.mutation(description="Mark one of your notifications as read; it stays so.")
    async def mark_notification_read(self, info: Info, input: MarkNotificationReadInput) -> MarkNotificationReadPayload:
        context = info.context
        outcome = await context.write("markNotificationRead", input, context.reading.mark_notification_read)
        read = outcome.ids.get("notification")
        found = await context.notification_by_id.load(UUID(read)) if read else None
        return MarkNotificationReadPayload(
            notification=Notification.of(found) if found else None,
            user_errors=user_errors(outcome, NotificationsErrorCode),
        )

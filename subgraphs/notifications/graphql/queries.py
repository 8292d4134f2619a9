"""Reads of notifications."""

from __future__ import annotations

from typing import Annotated

import strawberry

from shared.db.keyset import PageRequest
from shared.graphql.types import PAGED, Connection, connection
from subgraphs.notifications import repository
from subgraphs.notifications.graphql.context import Info
from subgraphs.notifications.graphql.types import Notification, count_of


@strawberry.type
class Query:
    @strawberry.field(directives=[PAGED], description="What the signed-in user was told, newest first.")
    async def my_notifications(
        self,
        info: Info,
        unread: Annotated[bool, strawberry.argument(description="Only what is not marked read yet.")] = False,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Notification]:
        context = info.context
        statement = repository.of_user(context.actor.require_user(), unread=unread)
        async with context.database.read(context.actor.scope()) as session:
            request = PageRequest.of(first, after, last, before)
            page = await repository.notification_page(session, statement, request)
        return connection(page, Notification.of, count_of(info, statement))

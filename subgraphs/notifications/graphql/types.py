"""The types that notifications adds to the graph: its own Notification, and what a user was told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import Select

from shared.db.keyset import PageRequest
from shared.errors import Forbidden
from shared.graphql.types import PAGED, Connection, Count, Node, UserError, connection
from subgraphs.notifications import repository
from subgraphs.notifications.domain import notification as domain
from subgraphs.notifications.domain.templates import Template, render
from subgraphs.notifications.errors import NotificationsErrorCode
from subgraphs.notifications.graphql.context import Info

strawberry.enum(Template, name="NotificationTemplate", description="What a notification is about.")
strawberry.enum(domain.NotificationStatus, description="Where a notification's mail stands.")
strawberry.enum(NotificationsErrorCode, name="ErrorCode", description="Why a mutation was refused.")


@strawberry.federation.type(keys=["id"], description="One seller's part of a checkout.")
class Order:
    id: strawberry.ID = strawberry.field(description="UUID v4.")


@strawberry.federation.type(keys=["id"], description="A checkout, with an order for each seller.")
class OrderGroup:
    id: strawberry.ID = strawberry.field(description="UUID v4.")


@strawberry.federation.type(keys=["id"], description="What somebody was told, in the application and by mail.")
class Notification(Node):
    template: Template = strawberry.field(description="What it is about.")
    title: str = strawberry.field(description="One line; the mail's subject.")
    text: str = strawberry.field(description="What the mail says, without the secrets that only a mail may show.")
    status: domain.NotificationStatus = strawberry.field(description="Where its mail stands.")
    created_at: datetime = strawberry.field(description="When it was made.")
    read_at: datetime | None = strawberry.field(description="When its user marked it read.")
    order: Order | None = strawberry.field(description="The order it is about, if it is about one.")
    order_group: OrderGroup | None = strawberry.field(description="The checkout it is about, if it is about one.")

    @classmethod
    def of(cls, notification: domain.Notification) -> Notification:
        letter, data = render(notification.template, notification.data), notification.data
        return cls(
            id=strawberry.ID(str(notification.id)),
            template=notification.template,
            title=letter.title,
            text=letter.text,
            status=notification.status,
            created_at=notification.created_at,
            read_at=notification.read_at,
            order=Order(id=strawberry.ID(data["order_id"])) if "order_id" in data else None,
            order_group=OrderGroup(id=strawberry.ID(data["order_group_id"])) if "order_group_id" in data else None,
        )

    @classmethod
    async def resolve_references(cls, info: Info, references: list[dict[str, Any]]) -> Sequence[Notification | None]:
        found = await info.context.notification_by_id.load_many([UUID(reference["id"]) for reference in references])
        return [cls.of(notification) if notification else None for notification in found]


@strawberry.federation.type(keys=["id"], description="A person with an account.")
class User:
    id: strawberry.ID = strawberry.field(description="UUID v4.")

    @strawberry.field(
        directives=[PAGED], description="What they were told, newest first: for themselves and staff only."
    )
    async def notifications(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Notification] | None:
        context, user_id = info.context, UUID(self.id)
        if context.actor.require_user() != user_id and not context.actor.is_staff:
            raise Forbidden
        page = await context.notifications_by_user.load((user_id, PageRequest.of(first, after, last, before)))
        return connection(page, Notification.of, count_of(info, repository.of_user(user_id)))


@strawberry.type(description="What marking a notification as read answers.")
class MarkNotificationReadPayload:
    notification: Notification | None = strawberry.field(description="The notification after the change.")
    user_errors: list[UserError[NotificationsErrorCode]] = strawberry.field(
        description="Why it was refused; empty if not."
    )


def count_of(info: Info, notifications: Select[domain.Notification]) -> Count:
    """Counted only where a client asks."""

    async def count() -> int:
        async with info.context.database.read(info.context.actor.scope()) as session:
            return await repository.count_notifications(session, notifications)

    return count

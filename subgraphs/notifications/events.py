"""What notifications tells: that a mail is to be sent, and how that went. Ids only."""

from __future__ import annotations

from shared.messaging.contract import JSON, DomainEvent
from subgraphs.notifications.domain.notification import Notification, NotificationStatus

CHANNEL = "EMAIL"


def mail_requested(notification: Notification) -> DomainEvent:
    """Work for the mail worker: one message, one mail."""
    return _event("notifications.email", notification)


def settled(notification: Notification) -> DomainEvent:
    """`notification.sent` or `notification.failed`."""
    if notification.status is NotificationStatus.SENT:
        return _event("notification.sent", notification, channel=CHANNEL)
    return _event("notification.failed", notification, channel=CHANNEL, reason=notification.failure)


def _event(name: str, notification: Notification, **more: JSON) -> DomainEvent:
    payload: dict[str, JSON] = {
        "notification_id": str(notification.id),
        "user_id": str(notification.user_id),
        "template": notification.template.value,
        **more,
    }
    return DomainEvent(name, "notification", notification.id, notification.version, payload)

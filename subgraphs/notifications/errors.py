"""Why notifications refuses."""

from __future__ import annotations

from enum import StrEnum

from shared.errors import NotFound


class NotificationsErrorCode(StrEnum):
    INVALID_INPUT = "INVALID_INPUT"
    NOTIFICATION_NOT_FOUND = "NOTIFICATION_NOT_FOUND"


class NotificationNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(
            NotificationsErrorCode.NOTIFICATION_NOT_FOUND, "There is no such notification.", field=("notificationId",)
        )

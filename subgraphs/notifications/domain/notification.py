"""A notification's way from waiting for its recipient to sent or failed, and what a reader may do with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from shared.commands import Command
from subgraphs.notifications.domain.notices import Notice
from subgraphs.notifications.domain.templates import Template

RETRY_AFTER = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
"""How long after each attempt the next one follows. The first is longer than an attempt may take, so that nobody sends
while another still does."""

MAX_ATTEMPTS = len(RETRY_AFTER) + 1
FREE_TEXT = "reason"
"""The one entry of `data` that a person has written."""


class NotificationStatus(StrEnum):
    WAITING_RECIPIENT = "WAITING_RECIPIENT"
    QUEUED = "QUEUED"
    SENT = "SENT"
    FAILED = "FAILED"


class Failure(StrEnum):
    RECIPIENT_ERASED = "RECIPIENT_ERASED"
    REFUSED = "REFUSED"
    UNDELIVERABLE = "UNDELIVERABLE"
    UNREADABLE = "UNREADABLE"
    EXPIRED = "EXPIRED"


class DeliveryOutcome(StrEnum):
    SENT = "SENT"
    REFUSED = "REFUSED"
    UNAVAILABLE = "UNAVAILABLE"
    NOT_TRIED = "NOT_TRIED"


class MarkNotificationRead(Command):
    notification_id: UUID


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where a user's mail goes; neither address nor erasure: not heard of yet."""

    user_id: UUID
    sealed_email: str | None = None
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one attempt ended. `reply_code` is the mail server's, where it answered."""

    outcome: DeliveryOutcome
    failure: Failure | None = None
    reply_code: int | None = None


@dataclass(eq=False)
class Notification:
    """What one user is told of one event. `version` grows with each change of its delivery and orders its events.

    `due_at` is set while the mail is to be handed over: each attempt moves it ahead before it starts, so that whoever
    dies in between leaves a mail that falls due again.
    """

    id: UUID
    dedupe_key: str
    user_id: UUID | None
    seller_id: UUID | None
    template: Template
    data: dict[str, Any]
    status: NotificationStatus
    sealed_secret: str | None
    expires_at: datetime | None
    due_at: datetime | None
    attempts: int
    failure: str | None
    read_at: datetime | None
    version: int
    created_at: datetime
    settled_at: datetime | None
    traceparent: str | None = None
    """The trace of what it tells of, if it is recorded."""

    @classmethod
    def of(cls, notice: Notice, *, id: UUID, event_id: UUID, now: datetime) -> Notification:
        """It waits until its recipient is known."""
        return cls(
            id=id,
            dedupe_key=notice.dedupe_key(event_id),
            user_id=notice.user_id,
            seller_id=notice.seller_id,
            template=notice.template,
            data=dict(notice.data),
            status=NotificationStatus.WAITING_RECIPIENT,
            sealed_secret=notice.sealed_secret,
            expires_at=notice.expires_at,
            due_at=None,
            attempts=0,
            failure=None,
            read_at=None,
            version=1,
            created_at=now,
            settled_at=None,
        )

    @property
    def open(self) -> bool:
        return self.status in (NotificationStatus.WAITING_RECIPIENT, NotificationStatus.QUEUED)

    def address(self, recipient: Recipient, now: datetime) -> bool:
        """Queue it where the recipient has an address, fail it where it was erased; False where it goes on waiting."""
        if recipient.erased:
            self.fail(Failure.RECIPIENT_ERASED, now)
        elif recipient.sealed_email is not None:
            self.status = NotificationStatus.QUEUED
        else:
            return False
        return True

    def start(self, now: datetime) -> bool:
        """The mail is asked for: due at once. False where it is so already, or settled."""
        if self.status is not NotificationStatus.QUEUED or self.due_at is not None:
            return False
        self.due_at = now
        return True

    def claim(self, now: datetime) -> None:
        """Begin an attempt: the next one is due only if this one settles nothing."""
        self.attempts += 1
        self.due_at = now + RETRY_AFTER[min(self.attempts, len(RETRY_AFTER)) - 1]

    def obstacle(self, recipient: Recipient | None, now: datetime) -> Failure | None:
        """Why no mail may leave any more."""
        if recipient is None or recipient.erased or recipient.sealed_email is None:
            return Failure.RECIPIENT_ERASED
        if self.expires_at is not None and self.expires_at <= now:
            return Failure.EXPIRED
        # More attempts than allowed: the last one died before it could say how it went.
        return Failure.UNDELIVERABLE if self.attempts > MAX_ATTEMPTS else None

    def record(self, delivery: Delivery, now: datetime) -> None:
        """Settle it by how the attempt ended; a server that was away leaves it due again, up to the last attempt."""
        if delivery.outcome is DeliveryOutcome.SENT:
            self._settle(NotificationStatus.SENT, now)
        elif delivery.failure is not None:
            self.fail(delivery.failure, now)
        elif self.attempts >= MAX_ATTEMPTS:
            self.fail(Failure.UNDELIVERABLE, now)

    def fail(self, failure: Failure, now: datetime) -> None:
        self.failure = failure
        self._settle(NotificationStatus.FAILED, now)

    def forget(self, now: datetime) -> None:
        """Its user is erased: nothing is sent any more, and what a person has written goes."""
        self.data = {name: value for name, value in self.data.items() if name != FREE_TEXT}
        if self.open:
            self.fail(Failure.RECIPIENT_ERASED, now)

    def mark_read(self, now: datetime) -> None:
        self.read_at = self.read_at or now

    def _settle(self, status: NotificationStatus, now: datetime) -> None:
        self.status = status
        self.settled_at = now
        self.due_at = None
        self.sealed_secret = None
        self.version += 1

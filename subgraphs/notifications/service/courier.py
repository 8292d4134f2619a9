"""Hands mails over: claim in one transaction, send in none, record in another.

Whoever dies in between leaves a mail that falls due again, so a mail may leave twice, as SMTP itself allows. Both carry
the notification's id as Message-ID, by which a receiver knows them as one.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from uuid import UUID

from opentelemetry.trace import SpanKind

from shared.auth.sealing import UnreadableSeal, Unsealer
from shared.clock import Clock
from shared.db.database import Database, UnitOfWork
from shared.db.scope import Scope
from shared.messaging.contract import ReceivedEvent
from shared.messaging.outbox import Outbox
from shared.telemetry import span_names as names
from shared.telemetry.spans import below, continued
from subgraphs.notifications import events, repository
from subgraphs.notifications.adapters.mailer import Mail, Mailer, MailRefused, MailServerUnavailable
from subgraphs.notifications.domain.notification import (
    Delivery,
    DeliveryOutcome,
    Failure,
    Notification,
    Recipient,
)
from subgraphs.notifications.domain.templates import render

log = logging.getLogger(__name__)

BATCH = 100
"""How many mails one run of the job sends at most; the rest is due in the next."""


class Courier:
    def __init__(self, database: Database, outbox: Outbox, clock: Clock, *, mailer: Mailer, unsealer: Unsealer) -> None:
        self._database = database
        self._outbox = outbox
        self._clock = clock
        self._mailer = mailer
        self._unsealer = unsealer

    async def on_mail_requested(self, uow: UnitOfWork, event: ReceivedEvent) -> None:
        """The mail is due from now on. Once that is committed it is tried at once; the job tries whatever that misses."""
        notification_id = UUID(event.payload["notification_id"])
        notification = await repository.find_for_update(uow.session, notification_id)
        if notification is not None and notification.start(self._clock()):
            uow.after_commit.append(self._attempt_of(notification_id))

    async def deliver_due(self) -> None:
        """The job: what fell due, each mail by one worker."""
        for _ in range(BATCH):
            async with self._database.unit_of_work(Scope.ALL) as uow:
                claimed = await repository.claim_next(uow.session, self._clock())
            if claimed is None:
                return
            try:
                await self._deliver(claimed)
            except Exception:
                # One mail that cannot be dealt with must not keep the others waiting; it is due again later.
                log.exception("could not deliver", extra={"notification": str(claimed.id)})

    def _attempt_of(self, notification_id: UUID) -> Callable[[], Awaitable[None]]:
        async def attempt() -> None:
            try:
                async with self._database.unit_of_work(Scope.ALL) as uow:
                    claimed = await repository.claim(uow.session, notification_id, self._clock())
                if claimed is not None:
                    await self._deliver(claimed)
            except Exception:
                # The message is dealt with: its mail is due in the table, where the job finds it.
                log.exception("could not deliver", extra={"notification": str(notification_id)})

        return attempt

    async def _deliver(self, claimed: Notification) -> None:
        assert claimed.user_id is not None
        with continued(names.DELIVER, claimed.traceparent):
            async with self._database.read(Scope.ALL) as session:
                recipient = await repository.find_recipient(session, claimed.user_id)
            delivery = await self._send(claimed, recipient)
            async with self._database.unit_of_work(Scope.ALL) as uow:
                await self._record(uow, claimed, delivery)

    async def _send(self, notification: Notification, recipient: Recipient | None) -> Delivery:
        obstacle = notification.obstacle(recipient, self._clock())
        if obstacle is not None or recipient is None or recipient.sealed_email is None:
            return Delivery(DeliveryOutcome.NOT_TRIED, obstacle)
        try:
            mail = self._written(notification, recipient.sealed_email)
            with below(names.SEND_MAIL, SpanKind.CLIENT):
                await self._mailer.send(mail)
        except UnreadableSeal:
            return Delivery(DeliveryOutcome.NOT_TRIED, Failure.UNREADABLE)
        except MailRefused as refusal:
            return Delivery(DeliveryOutcome.REFUSED, Failure.REFUSED, refusal.reply_code)
        except MailServerUnavailable as problem:
            log.warning("mail server unavailable", extra={"notification": str(notification.id), "why": str(problem)})
            return Delivery(DeliveryOutcome.UNAVAILABLE, reply_code=problem.reply_code)
        return Delivery(DeliveryOutcome.SENT)

    def _written(self, notification: Notification, sealed_email: str) -> Mail:
        """Address and secret are in clear from here to the mail server and nowhere else."""
        sealed = notification.sealed_secret
        secret = self._unsealer.unseal(sealed) if sealed is not None else None
        letter = render(notification.template, notification.data, secret)
        return Mail(id=notification.id, to=self._unsealer.unseal(sealed_email), subject=letter.title, text=letter.text)

    async def _record(self, uow: UnitOfWork, claimed: Notification, delivery: Delivery) -> None:
        notification = await repository.get_for_update(uow.session, claimed.id)
        now = self._clock()
        await repository.add_delivery(uow.session, claimed, delivery, now)
        if not notification.open:
            return
        notification.record(delivery, now)
        if not notification.open:
            await self._outbox.append(uow, events.settled(notification))

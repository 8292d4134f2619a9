"""Composition root of notifications."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from shared.auth.sealing import Unsealer
from shared.runtime.subgraph import Job, Resources, Subgraph
from subgraphs.notifications.consumers import consumers
from subgraphs.notifications.graphql.context import NotificationsContext
from subgraphs.notifications.graphql.schema import schema
from subgraphs.notifications.service.announcements import Announcements
from subgraphs.notifications.service.courier import Courier
from subgraphs.notifications.service.reading import Reading
from subgraphs.notifications.settings import NotificationsSettings

SETTINGS = NotificationsSettings


def build(resources: Resources[NotificationsSettings]) -> Subgraph:
    database, outbox, clock, settings = resources.database, resources.outbox, resources.clock, resources.settings
    unsealer = Unsealer(settings.sealing_private_key_file)
    courier = Courier(database, outbox, clock, mailer=settings.mailer(), unsealer=unsealer)
    context = partial(
        NotificationsContext,
        database=database,
        writes=resources.writes,
        reading=Reading(clock),
        hub=resources.hub,
    )
    return Subgraph(
        schema=schema,
        context=context,
        consumers=consumers(Announcements(outbox, clock, resources.notes), courier),
        jobs=(Job("deliver", timedelta(seconds=5), courier.deliver_due),),
    )

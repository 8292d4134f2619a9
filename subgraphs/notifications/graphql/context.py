"""One request's view of notifications: what its reader may do, and its loaders."""

from __future__ import annotations

from strawberry.types import Info as StrawberryInfo

from shared.auth.actor import Actor
from shared.db.database import Database
from shared.graphql.context import RequestContext
from shared.graphql.loaders import batch_loader, page_loader
from shared.graphql.writes import Writes
from shared.messaging.live import LiveHub
from subgraphs.notifications import repository
from subgraphs.notifications.service.reading import Reading


class NotificationsContext(RequestContext):
    def __init__(self, actor: Actor, database: Database, writes: Writes, reading: Reading, hub: LiveHub) -> None:
        super().__init__(actor, database, writes)
        self.reading = reading
        self.hub = hub
        self.notification_by_id = batch_loader(self, repository.notifications_by_id)
        self.notifications_by_user = page_loader(self, repository.notification_pages_by_user, report=actor.is_staff)


Info = StrawberryInfo[NotificationsContext, None]

"""What clients send; each input names the pydantic model it must pass."""

from __future__ import annotations

from typing import ClassVar

import strawberry

from shared.commands import Input
from subgraphs.notifications.domain import notification as domain

KEY = "Chosen by the client, unique per attempt to write: the same key never acts twice."


@strawberry.input(description="A notification that its user has read.")
class MarkNotificationReadInput:
    command: ClassVar[type[Input]] = domain.MarkNotificationRead
    idempotency_key: str = strawberry.field(description=KEY)
    notification_id: strawberry.ID = strawberry.field(description="The notification.")

"""What notifications listens to: every event that its bindings in the register let through, and its own mail queue."""

from __future__ import annotations

from uuid import UUID

from shared.db.database import UnitOfWork
from shared.messaging.consumer import QueueConsumer
from shared.messaging.contract import ReceivedEvent
from shared.messaging.routing import queues_for
from shared.messaging.schemas import EventSchemas
from shared.register import load_register
from subgraphs.notifications.projections import PROJECTIONS
from subgraphs.notifications.service.announcements import Announcements
from subgraphs.notifications.service.courier import Courier

PROJECTOR = "notifications.projector"
WORKER = "notifications.worker"


def consumers(announcements: Announcements, courier: Courier) -> tuple[QueueConsumer, ...]:
    async def on_fact(uow: UnitOfWork, event: ReceivedEvent) -> None:
        """Learn from it, let go what waited for that, then tell whoever it concerns."""
        project = PROJECTIONS.get(event.name)
        if project is not None:
            await project(uow, event)
            await _release(uow, event, announcements)
        await announcements.announce(uow, event)

    register = load_register()
    bound = [name for name in EventSchemas().names if PROJECTOR in queues_for(register, name)]
    return (
        QueueConsumer(PROJECTOR, dict.fromkeys(bound, on_fact)),
        QueueConsumer(WORKER, {"notifications.email": courier.on_mail_requested}),
    )


async def _release(uow: UnitOfWork, event: ReceivedEvent, announcements: Announcements) -> None:
    if event.name == "user.erasure_requested":
        await announcements.forget(uow, UUID(event.payload["user_id"]))
    elif event.name.startswith("user."):
        await announcements.release_for_user(uow, UUID(event.payload["user_id"]))
    else:
        await announcements.release_for_owner(uow, UUID(event.payload["seller_id"]))

"""A consumer in a process of its own that has committed an effect, says so and waits to be killed before it answers."""

from __future__ import annotations

import asyncio
import os
import sys

from shared.db.database import Database, UnitOfWork
from shared.messaging.consumer import QueueConsumer
from shared.messaging.contract import ReceivedEvent
from shared.messaging.schemas import EventSchemas
from shared.messaging.subscriber import Subscriber
from tests.integration.messaging.flow import QUEUE, record


async def record_and_hold(uow: UnitOfWork, event: ReceivedEvent) -> None:
    await record(uow, event)
    uow.after_commit.append(_hold)


async def _hold() -> None:
    sys.stdout.write("holding\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


async def main() -> None:
    pooled = os.environ["POSTGRES_POOLER"] == "true"
    database = Database(os.environ["POSTGRES_URL"], application_name="reviews", pooler=pooled)
    consumer = QueueConsumer(QUEUE, {"seller.approved": record_and_hold})
    await Subscriber(database, os.environ["BROKER_URL"], [consumer], EventSchemas()).run()


if __name__ == "__main__":
    asyncio.run(main())

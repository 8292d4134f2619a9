"""A relay in a process of its own that stops at one point, says so and waits to be killed.

    python -m tests.integration.messaging.relay_process {before_publish|before_mark}

Addresses come in the environment: POSTGRES_URL with POSTGRES_POOLER, and BROKER_URL.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

from shared.db.database import Database
from shared.messaging.contract import RecordedEvent
from shared.messaging.publisher import Publisher, Verdict
from shared.messaging.relay import Relay
from tests.integration.messaging.flow import REGISTER


class PausingPublisher(Publisher):
    """Publishes as ever, but holds at the named point for ever."""

    def __init__(self, url: str, point: str) -> None:
        super().__init__(url)
        self._point = point

    async def publish(self, events: Sequence[RecordedEvent], *, mandatory: frozenset[str]) -> list[Verdict]:
        if self._point == "before_publish":
            await _hold()
        verdicts = await super().publish(events, mandatory=mandatory)
        if self._point == "before_mark":
            await _hold()
        return verdicts


async def _hold() -> None:
    sys.stdout.write("holding\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


async def main(point: str) -> None:
    pooled = os.environ["POSTGRES_POOLER"] == "true"
    database = Database(os.environ["POSTGRES_URL"], application_name="sellers", pooler=pooled)
    url = os.environ["BROKER_URL"]
    await Relay(database, url, "sellers", register=REGISTER, publisher=PausingPublisher(url, point)).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

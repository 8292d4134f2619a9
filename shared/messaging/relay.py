"""Carries committed events from the outbox to the broker, and what the broker has confirmed from there to the event log.

Crash-safe by order: publish, await the confirm, then move the row. A crash in between publishes again, and the
consumers' inbox makes that harmless.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db.database import Database
from shared.db.scope import Scope
from shared.messaging.contract import RecordedEvent
from shared.messaging.publisher import Publisher, Verdict
from shared.messaging.routing import queues_for
from shared.messaging.wake import RelayWake
from shared.register import Register, load_register
from shared.telemetry.metrics import EVENTS_CONFIRMED, EVENTS_PUBLISHED, EVENTS_UNROUTABLE

log = logging.getLogger(__name__)

BATCH = 500
POLL_SECONDS = 0.5
_FIRST_RETRY_SECONDS = 0.5
_LAST_RETRY_SECONDS = 30.0

# Transaction-level, so that it works behind a transaction pooler and ends with the process that held it.
_BECOME_ACTIVE = text("SELECT pg_try_advisory_xact_lock(hashtextextended('outbox-relay:' || current_schema(), 0))")

# Unsent rows, never `position > last`: a transaction that took its position early may commit late. No row locks: the
# advisory lock already keeps other relays away, and skipping a locked row would let a later event overtake it.
_UNSENT = """
    SELECT id, event_name, event_version, occurred_at, idempotency_key, aggregate_id, aggregate_version,
           payload::text AS payload, headers::text AS headers
    FROM outbox AS event
    {condition}
    ORDER BY position
    LIMIT :batch
"""
_ANY_UNSENT = text(_UNSENT.format(condition=""))
# Where a routing key has no queue, whatever comes after it in the same aggregates waits too.
_UNBLOCKED_UNSENT = text(
    _UNSENT.format(
        condition="""
    WHERE NOT EXISTS (
        SELECT 1 FROM outbox AS waiting
        WHERE waiting.event_name = ANY(:blocked)
          AND waiting.aggregate_id = event.aggregate_id AND waiting.position <= event.position
    )"""
    )
)
_MOVE = text(
    """
    WITH sent AS (DELETE FROM outbox WHERE id = ANY(:ids) RETURNING *)
    INSERT INTO event_log (id, position, event_name, event_version, occurred_at, idempotency_key, aggregate_id,
                           aggregate_version, payload, headers)
    SELECT id, position, event_name, event_version, occurred_at, idempotency_key, aggregate_id, aggregate_version,
           payload, headers
    FROM sent
    """
)


class Relay:
    """The relay of one domain. Any number of replicas may run: one at a time is active, the others stand by.

    `events` are the names that the domain may publish, for its figures.
    """

    def __init__(
        self,
        database: Database,
        broker_url: str,
        domain: str,
        *,
        wake: RelayWake | None = None,
        register: Register | None = None,
        publisher: Publisher | None = None,
        poll_seconds: float = POLL_SECONDS,
        events: Iterable[str] = (),
    ) -> None:
        self._database = database
        self._publisher = publisher or Publisher(broker_url)
        self._domain = domain
        self._wake = wake
        self._register = register or load_register()
        self._poll_seconds = poll_seconds
        self._hint = asyncio.Event()
        self._stopping = False
        self._blocked = _BlockedKeys()
        for name in events:
            # From zero on: of a counter that begins with its first event, Prometheus sees no increase.
            EVENTS_CONFIRMED.labels(domain, name)
            EVENTS_UNROUTABLE.labels(domain, name)

    def stop(self) -> None:
        """Finish the batch that is under way, what was confirmed of it marked as sent, and end `run`."""
        self._stopping = True
        self._hint.set()

    async def run(self) -> None:
        """Relay until stopped or cancelled. Where Postgres or the broker is away it waits and tries again."""
        listening = asyncio.create_task(self._wake.listen(self._hint.set)) if self._wake else None
        try:
            await self._run()
        finally:
            if listening is not None:
                listening.cancel()
            await self._publisher.close()

    async def relay_once(self) -> int:
        """Publish one batch and move what was confirmed; answers how many events that were. 0 on a standby."""
        await self._publisher.connect()
        async with self._database.unit_of_work(Scope.ALL) as uow:
            if not await uow.session.scalar(_BECOME_ACTIVE):
                return 0
            events = await self._unsent(uow.session)
            sent = await self._publish(events)
            if sent:
                await uow.session.execute(_MOVE, {"ids": sent})
        confirmed = set(sent)
        for name, count in Counter(event.name for event in events if event.id in confirmed).items():
            EVENTS_CONFIRMED.labels(self._domain, name).inc(count)
        return len(sent)

    async def _run(self) -> None:
        retry_seconds = _FIRST_RETRY_SECONDS
        while not self._stopping:
            self._hint.clear()
            try:
                sent = await self.relay_once()
            except Exception as error:
                # Whatever it is, the rows are safe; the next round starts from what is committed.
                log.warning("relay round failed", extra={"domain": self._domain, "error": error})
                await asyncio.sleep(retry_seconds)
                retry_seconds = min(retry_seconds * 2, 5.0)
                continue
            retry_seconds = _FIRST_RETRY_SECONDS
            if sent < BATCH:
                await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._poll_seconds):
                await self._hint.wait()
        except TimeoutError:
            return

    async def _unsent(self, session: AsyncSession) -> list[RecordedEvent]:
        blocked = self._blocked.names()
        if blocked:
            rows = await session.execute(_UNBLOCKED_UNSENT, {"batch": BATCH, "blocked": blocked})
        else:
            rows = await session.execute(_ANY_UNSENT, {"batch": BATCH})
        return [_recorded(dict(row)) for row in rows.mappings()]

    async def _publish(self, events: Sequence[RecordedEvent]) -> list[UUID]:
        """In rounds of one event an aggregate, so that none overtakes an earlier one of its own; answers the sent ids."""
        waiting: dict[UUID, list[RecordedEvent]] = {}
        for event in reversed(events):
            waiting.setdefault(event.aggregate_id, []).append(event)
        mandatory = frozenset(event.name for event in events if queues_for(self._register, event.name))
        sent: list[UUID] = []
        while waiting:
            heads = [queue.pop() for queue in waiting.values()]
            EVENTS_PUBLISHED.labels(self._domain).inc(len(heads))
            verdicts = await self._publisher.publish(heads, mandatory=mandatory)
            for event, verdict in zip(heads, verdicts, strict=True):
                if verdict is Verdict.CONFIRMED:
                    sent.append(event.id)
                else:
                    waiting[event.aggregate_id].clear()
                self._note(event, verdict)
            if Verdict.UNKNOWN in verdicts:
                break
            waiting = {aggregate: queue for aggregate, queue in waiting.items() if queue}
        return sent

    def _note(self, event: RecordedEvent, verdict: Verdict) -> None:
        if verdict is Verdict.CONFIRMED:
            self._blocked.open(event.name)
        elif verdict is Verdict.UNROUTABLE and self._blocked.block(event.name):
            EVENTS_UNROUTABLE.labels(self._domain, event.name).inc()
            log.warning("no queue is bound", extra={"domain": self._domain, "event": event.name})


class _BlockedKeys:
    """Routing keys that the broker returned, each left alone for a while that grows with every further return."""

    def __init__(self) -> None:
        self._delays: dict[str, float] = {}
        self._until: dict[str, float] = {}

    def names(self) -> list[str]:
        now = time.monotonic()
        return [name for name, until in self._until.items() if until > now]

    def block(self, name: str) -> bool:
        """False where it is blocked already: one batch may return a key many times."""
        now = time.monotonic()
        if self._until.get(name, 0.0) > now:
            return False
        delay = min(self._delays.get(name, _FIRST_RETRY_SECONDS / 2) * 2, _LAST_RETRY_SECONDS)
        self._delays[name], self._until[name] = delay, now + delay
        return True

    def open(self, name: str) -> None:
        self._delays.pop(name, None)
        self._until.pop(name, None)


def _recorded(values: dict[Any, Any]) -> RecordedEvent:
    return RecordedEvent(
        name=values.pop("event_name"),
        version=values.pop("event_version"),
        headers=orjson.loads(values.pop("headers")),
        **values,
    )

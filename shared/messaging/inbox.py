"""The inbox: an event's effect and the note that it was taken are one transaction, so a second delivery changes nothing."""

from __future__ import annotations

from enum import Enum, auto
from uuid import UUID

from sqlalchemy import text

from shared.db.database import Database, UnitOfWork
from shared.db.scope import Scope
from shared.messaging.consumer import Handler
from shared.messaging.contract import ReceivedEvent

MAX_ATTEMPTS = 5

# One statement for the common case. A copy that another worker is just taking makes the INSERT wait for its outcome.
_ENTER = text(
    """
    WITH earlier AS (
        SELECT attempts FROM delivery_attempt WHERE consumer = :consumer AND event_id = :event_id
    ), taken AS (
        INSERT INTO inbox (consumer, event_id, event_name)
        SELECT CAST(:consumer AS text), CAST(:event_id AS uuid), CAST(:event_name AS text)
        WHERE NOT EXISTS (SELECT 1 FROM earlier WHERE attempts >= :max_attempts)
        ON CONFLICT DO NOTHING
        RETURNING 1
    )
    SELECT COALESCE((SELECT attempts FROM earlier), 0) AS attempts, EXISTS (SELECT 1 FROM taken) AS taken
    """
)
_COUNT_FAILURE = text(
    """
    INSERT INTO delivery_attempt AS earlier (consumer, event_id, attempts, last_error)
    VALUES (:consumer, :event_id, 1, :error)
    ON CONFLICT (consumer, event_id)
    DO UPDATE SET attempts = earlier.attempts + 1, last_error = excluded.last_error, updated_at = now()
    RETURNING attempts
    """
)
_FORGET_FAILURES = text("DELETE FROM delivery_attempt WHERE consumer = :consumer AND event_id = :event_id")


class HandlerFailed(Exception):
    """Wraps an OSError of a handler, which would otherwise look like the database being away."""


class Outcome(Enum):
    TAKEN = auto()
    DUPLICATE = auto()
    EXHAUSTED = auto()
    """Its five attempts were used up by an earlier delivery."""


class Inbox:
    """The inbox of one consumer, named as its queue, in the domain's own schema."""

    def __init__(self, database: Database, consumer: str) -> None:
        self._database = database
        self._consumer = consumer

    async def take(self, event: ReceivedEvent, handler: Handler) -> Outcome:
        """Run the handler in one unit of work with the inbox row; what it raises leaves neither behind."""
        async with self._database.unit_of_work(Scope.ALL) as uow:
            attempts, outcome = await self._enter(uow, event)
            if outcome is not Outcome.TAKEN:
                return outcome
            try:
                await handler(uow, event)
            except OSError as error:
                raise HandlerFailed(f"{type(error).__name__}: {error}") from error
            if attempts:
                await uow.session.execute(_FORGET_FAILURES, {"consumer": self._consumer, "event_id": event.id})
        return outcome

    async def count_failure(self, event_id: UUID, error: str) -> int:
        """How many attempts have failed, with this one; in a transaction of its own, so that it outlives the attempt."""
        async with self._database.unit_of_work(Scope.ALL) as uow:
            values = {"consumer": self._consumer, "event_id": event_id, "error": error}
            attempts: int = (await uow.session.execute(_COUNT_FAILURE, values)).scalar_one()
        return attempts

    async def forget_failures(self, event_id: UUID) -> None:
        """A replayed message gets five fresh attempts."""
        async with self._database.unit_of_work(Scope.ALL) as uow:
            await uow.session.execute(_FORGET_FAILURES, {"consumer": self._consumer, "event_id": event_id})

    async def _enter(self, uow: UnitOfWork, event: ReceivedEvent) -> tuple[int, Outcome]:
        values = {
            "consumer": self._consumer,
            "event_id": event.id,
            "event_name": event.name,
            "max_attempts": MAX_ATTEMPTS,
        }
        row = (await uow.session.execute(_ENTER, values)).one()
        if row.taken:
            return row.attempts, Outcome.TAKEN
        return row.attempts, Outcome.EXHAUSTED if row.attempts >= MAX_ATTEMPTS else Outcome.DUPLICATE

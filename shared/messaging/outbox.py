"""The transactional outbox: an event is a row of the unit of work that decided it, and leaves only after the commit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson
from sqlalchemy import text

from shared.clock import Clock
from shared.db.database import UnitOfWork
from shared.ids import new_id
from shared.messaging.contract import DomainEvent
from shared.messaging.event_spans import created
from shared.messaging.routing import require_own
from shared.messaging.schemas import EventSchemas
from shared.register import Register, load_register
from shared.telemetry.context import current_correlation

Wake = Callable[[], Awaitable[None]]

_INSERT = text(
    """
    INSERT INTO outbox (id, event_name, event_version, occurred_at, idempotency_key, aggregate_id, aggregate_version,
                        payload, headers)
    VALUES (:id, :name, :version, :occurred_at, :idempotency_key, :aggregate_id, :aggregate_version,
            CAST(:payload AS jsonb), CAST(:headers AS jsonb))
    """
)


class Outbox:
    """The outbox of one domain. `wake` hints to the relay that a commit has brought something."""

    def __init__(
        self, domain: str, schemas: EventSchemas, clock: Clock, wake: Wake, *, register: Register | None = None
    ) -> None:
        self._subgraph = (register or load_register()).get(domain)
        self._schemas = schemas
        self._clock = clock
        self._wake = wake

    async def append(self, uow: UnitOfWork, *events: DomainEvent) -> None:
        """Store the events, in this order, in the unit of work's transaction.

        Raises ForeignEvent for a prefix of another domain and InvalidEvent for a payload that breaks its schema: both
        are bugs of the caller and fail the unit of work.
        """
        if not events:
            return
        await uow.session.execute(_INSERT, [self._row(event) for event in events])
        if self._wake not in uow.after_commit:
            uow.after_commit.append(self._wake)

    def _row(self, event: DomainEvent) -> dict[str, object]:
        require_own(self._subgraph, event.name)
        payload = orjson.dumps(event.payload)
        self._schemas.check_written(event.name, event.version, orjson.loads(payload))
        event_id = new_id()
        correlation = current_correlation()
        headers = {
            "correlation_id": correlation.correlation_id,
            "causation_id": correlation.causation_id,
            "traceparent": created(event.name, str(event_id)),
        }
        return {
            "id": event_id,
            "name": event.name,
            "version": event.version,
            "occurred_at": self._clock(),
            "idempotency_key": f"{event.aggregate}:{event_id}",
            "aggregate_id": event.aggregate_id,
            "aggregate_version": event.aggregate_version,
            "payload": payload.decode(),
            "headers": orjson.dumps({name: value for name, value in headers.items() if value}).decode(),
        }

"""python -m shared.messaging.replay --consumer audit.recorder --from 2026-11-01 [--to 2026-12-01] [--again]

Sends what the event logs keep to one queue, in the order it was sent, as an administrator (POSTGRES_ADMIN_URL,
RABBITMQ_ADMIN_URL). What the consumer's inbox knows changes nothing, so this fills gaps; to rebuild a projection, empty
its tables and say `--again`, which makes the inbox forget those events first.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aio_pika
import asyncpg
import orjson
from aio_pika.abc import AbstractChannel, DeliveryMode
from aio_pika.exceptions import AMQPError

from shared.clock import system_clock
from shared.ids import new_id
from shared.messaging.broker_admin import NoAdministrator, admin_channel, required
from shared.messaging.contract import CONTENT_TYPE, REPLAY_HEADER, RecordedEvent, encode
from shared.messaging.routing import matches, owner_of
from shared.register import Register, Subgraph, load_register

_BATCH = 500
_FORGET = 'DELETE FROM "{schema}".inbox WHERE consumer = $1 AND event_id = ANY($2)'
_SENT = """
    SELECT id, event_name, event_version, occurred_at, idempotency_key, aggregate_id, aggregate_version,
           payload::text AS payload, headers::text AS headers, sent_at, position
    FROM "{schema}".event_log
    WHERE sent_at >= $1 AND sent_at < $2
"""


@dataclass(frozen=True, slots=True)
class Span:
    """Events that were sent at `start` or later and before `end`."""

    start: datetime
    end: datetime


async def replay(
    postgres_url: str, channel: AbstractChannel, register: Register, queue: str, span: Span, *, again: bool = False
) -> int:
    """Answers how many events were sent to the queue. Raises KeyError for a queue that the register does not have."""
    owner, replay_id, count = owner_of(register, queue), str(new_id()), 0
    reading, forgetting = await asyncpg.connect(postgres_url), await asyncpg.connect(postgres_url)
    try:
        async for batch in _batches(reading, register, owner.queues[queue], span):
            if again and isinstance(owner, Subgraph):
                # Committed before the events are sent: one that arrives sooner would be taken for a duplicate.
                await forgetting.execute(_FORGET.format(schema=owner.name), queue, [event.id for event in batch])
            for event in batch:
                await channel.default_exchange.publish(_message(event, replay_id), queue, mandatory=True)
            count += len(batch)
    finally:
        await reading.close()
        await forgetting.close()
    return count


async def _batches(
    connection: asyncpg.Connection[Any], register: Register, keys: Sequence[str], span: Span
) -> AsyncIterator[list[RecordedEvent]]:
    """The logs of all domains in the order of sending, as far as the binding keys match; one snapshot, streamed."""
    every_log = " UNION ALL ".join(_SENT.format(schema=subgraph.name) for subgraph in register.subgraphs)
    query = f"{every_log} ORDER BY sent_at, position"
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        batch: list[RecordedEvent] = []
        async for row in connection.cursor(query, span.start, span.end, prefetch=_BATCH):
            if any(matches(key, row["event_name"]) for key in keys):
                batch.append(_recorded(row))
            if len(batch) == _BATCH:
                yield batch
                batch = []
        if batch:
            yield batch


def _recorded(row: Any) -> RecordedEvent:
    return RecordedEvent(
        id=row["id"],
        name=row["event_name"],
        version=row["event_version"],
        occurred_at=row["occurred_at"],
        idempotency_key=row["idempotency_key"],
        aggregate_id=row["aggregate_id"],
        aggregate_version=row["aggregate_version"],
        payload=row["payload"],
        headers=orjson.loads(row["headers"]),
    )


def _message(event: RecordedEvent, replay_id: str) -> aio_pika.Message:
    wire = encode(event)
    return aio_pika.Message(
        wire.body,
        message_id=wire.message_id,
        type=wire.type,
        correlation_id=wire.correlation_id,
        headers={**wire.headers, REPLAY_HEADER: replay_id},
        timestamp=wire.timestamp,
        content_type=CONTENT_TYPE,
        delivery_mode=DeliveryMode.PERSISTENT,
    )


def _moment(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def run(queue: str, span: Span, *, again: bool) -> int:
    async with admin_channel() as channel:
        return await replay(required("POSTGRES_ADMIN_URL"), channel, load_register(), queue, span, again=again)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="replay", description="Send what the event logs keep to one queue again.")
    parser.add_argument("--consumer", required=True, help="the queue, such as audit.recorder")
    parser.add_argument(
        "--from", required=True, type=_moment, dest="start", help="sent at or after; UTC unless it says so"
    )
    parser.add_argument("--to", type=_moment, dest="end", help="sent before; now where it is not given")
    parser.add_argument("--again", action="store_true", help="make the consumer's inbox forget the events first")
    parsed = parser.parse_args(arguments)
    try:
        span = Span(parsed.start, parsed.end or system_clock())
        count = asyncio.run(run(parsed.consumer, span, again=parsed.again))
    except (NoAdministrator, KeyError, OSError, AMQPError, asyncpg.PostgresError) as problem:
        sys.stderr.write(f"replay: {problem.args[0] if problem.args else problem}\n")
        return 1
    sys.stdout.write(f"{count} sent to {parsed.consumer} again\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

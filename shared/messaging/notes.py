"""Notes that something has changed: told over Redis once it is committed, for whoever watches it live.

A note decides nothing and carries ids alone. One that is lost costs liveness, one that comes twice a second reading.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.db.database import UnitOfWork
from shared.telemetry.metrics import LIVE_NOTES

log = logging.getLogger(__name__)

_PUBLISH_SECONDS = 1.0
"""A write that is committed waits no longer than this for Redis to take its notes."""


@dataclass(frozen=True, slots=True)
class Note:
    """`subject` is to be read again by whoever watches `key` for `topic`: a buyer, a seller, the subject itself."""

    topic: str
    key: UUID
    subject: UUID


def channel_of(domain: str) -> str:
    return f"live:{domain}"


class LiveNotes:
    """The notes of one domain. Every replica of its API hears them on one channel."""

    def __init__(self, redis: Redis, domain: str) -> None:
        self._redis = redis
        self._domain = domain

    def tell(self, uow: UnitOfWork, notes: Iterable[Note]) -> None:
        """Publish the notes, as one message, once the unit of work is committed; never where it is rolled back."""
        told = tuple(notes)
        if told:
            uow.after_commit.append(partial(self._publish, told))

    async def _publish(self, notes: tuple[Note, ...]) -> None:
        """Never raises for Redis' sake: what the notes are about is committed."""
        try:
            async with asyncio.timeout(_PUBLISH_SECONDS):
                await self._redis.publish(channel_of(self._domain), encode(notes))
        except (RedisError, OSError) as error:  # TimeoutError is an OSError.
            LIVE_NOTES.labels(self._domain, "lost").inc(len(notes))
            log.warning("live notes lost", extra={"count": len(notes), "error": error})
        else:
            LIVE_NOTES.labels(self._domain, "told").inc(len(notes))


def encode(notes: Iterable[Note]) -> bytes:
    return orjson.dumps([(note.topic, str(note.key), str(note.subject)) for note in notes])


def decode(message: bytes) -> list[Note]:
    """Raises ValueError for what `encode` has not written."""
    try:
        return [Note(topic, UUID(key), UUID(subject)) for topic, key, subject in orjson.loads(message)]
    except (TypeError, AttributeError) as error:
        raise ValueError("not a message of notes") from error

"""Live updates inside one process: one Redis subscription, fanned out to the streams that are open here."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import Any, Generic, TypeVar
from uuid import UUID

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from shared.errors import Refusal
from shared.messaging.notes import Note, channel_of, decode

log = logging.getLogger(__name__)
T = TypeVar("T")
Show = Callable[[UUID], Awaitable[T | None]]
"""Reads a subject again, with the scope of whoever watches; None is not shown."""

MAX_PENDING = 100
SILENCE_SECONDS = 15.0
"""Redis is asked for a sign of life after this long without a note, and left after as long without an answer."""
_READY_SECONDS = 1.0
_RECONNECT_SECONDS = 0.2


class StreamTooSlow(Refusal):
    def __init__(self) -> None:
        super().__init__("STREAM_TOO_SLOW", "Updates came faster than they were taken. Read again and subscribe anew.")


class LiveStream(AsyncIterator[T], Generic[T]):
    """Shows each subject that was noted. Notes of one subject that wait together are one reading, of its latest state.

    More than `max_pending` waiting subjects end the stream with StreamTooSlow; nothing is kept then.
    """

    def __init__(self, show: Show[T], leave: Callable[[LiveStream[T]], None], max_pending: int) -> None:
        self._show = show
        self._leave = leave
        self._max_pending = max_pending
        self._pending: dict[UUID, None] = {}
        self._woken = asyncio.Event()
        self._over = False
        self._refusal: Refusal | None = None

    def note(self, subject: UUID) -> None:
        if self._over:
            return
        self._pending[subject] = None
        self._woken.set()
        if len(self._pending) > self._max_pending:
            self._refusal = StreamTooSlow()
            self.end()

    def end(self) -> None:
        """What still waits is dropped, and the iteration ends: with the refusal where there is one."""
        self._over = True
        self._pending.clear()
        self._woken.set()
        self._leave(self)

    async def aclose(self) -> None:
        self.end()

    async def __anext__(self) -> T:
        while True:
            shown = await self._show(await self._next_subject())
            if shown is not None:
                return shown

    async def _next_subject(self) -> UUID:
        while not self._pending:
            if self._refusal is not None:
                raise self._refusal
            if self._over:
                raise StopAsyncIteration
            self._woken.clear()
            await self._woken.wait()
        subject = next(iter(self._pending))
        # Taken out before it is read: a note that comes during the reading asks for another one.
        del self._pending[subject]
        return subject


class LiveHub:
    """The open streams of one domain in one process, behind one connection to Redis, made at the first of them.

    Where Redis goes away the streams stay; once it is back they read again what they `watched` by name.
    """

    def __init__(
        self, redis: Redis, domain: str, *, max_pending: int = MAX_PENDING, silence: float = SILENCE_SECONDS
    ) -> None:
        self._redis = redis
        self._channel = channel_of(domain)
        self._max_pending = max_pending
        self._silence = silence
        self._streams: dict[LiveStream[Any], tuple[str, tuple[UUID, ...], tuple[UUID, ...]]] = {}
        self._watchers: defaultdict[tuple[str, UUID], set[LiveStream[Any]]] = defaultdict(set)
        self._listening: asyncio.Task[None] | None = None
        self._connected = asyncio.Event()
        self._ended = False

    @property
    def open_streams(self) -> int:
        return len(self._streams)

    async def watch(
        self, topic: str, keys: Collection[UUID], show: Show[T], *, watched: Collection[UUID] = ()
    ) -> LiveStream[T]:
        """A stream of what `show` reads for each note of the topic to one of the keys, from now on.

        `watched` are the subjects it is sure to be about: they are shown again after an absence of Redis.
        """
        await self._listen()
        stream = LiveStream(show, self._leave, self._max_pending)
        self._streams[stream] = (topic, tuple(keys), tuple(watched))
        for key in keys:
            self._watchers[topic, key].add(stream)
        if self._ended:
            stream.end()
        return stream

    def end(self) -> None:
        """End every stream, and each that is opened from now on: the process is about to stop."""
        self._ended = True
        for stream in list(self._streams):
            stream.end()

    async def aclose(self) -> None:
        self.end()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    async def _listen(self) -> None:
        """Returns once Redis has confirmed the subscription, so that no later note is missed, or has kept us waiting."""
        if self._listening is None:
            self._listening = asyncio.create_task(self._run(), name=self._channel)
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await self._connected.wait()
        except TimeoutError:
            log.warning("a stream opens without Redis", extra={"channel": self._channel})

    async def _run(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as subscription:
                    await subscription.subscribe(self._channel)
                    await self._hear(subscription)
            except (RedisError, OSError) as error:
                log.warning("live channel lost", extra={"channel": self._channel, "error": error})
            except Exception:
                log.exception("live channel failed", extra={"channel": self._channel})
            self._connected.clear()
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _hear(self, subscription: PubSub) -> None:
        """Raises ConnectionError where Redis gives no sign of life: a peer that dies closes no connection."""
        asked = False
        while True:
            message = await subscription.get_message(timeout=self._silence)
            if message is None:
                if asked:
                    raise ConnectionError("Redis fell silent")
                await subscription.ping()
            asked = message is None
            if message is not None:
                self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "subscribe":
                # The client may have reconnected by itself: this confirmation is how we know.
                self._connected.set()
                for stream, (_, _, watched) in list(self._streams.items()):
                    for subject in watched:
                        stream.note(subject)
            case "message":
                self._fan_out(message["data"])

    def _fan_out(self, message: bytes) -> None:
        try:
            notes: list[Note] = decode(message)
        except ValueError:
            log.exception("unreadable live note", extra={"channel": self._channel})
            return
        for note in notes:
            for stream in list(self._watchers.get((note.topic, note.key), ())):
                stream.note(note.subject)

    def _leave(self, stream: LiveStream[Any]) -> None:
        topic, keys, _ = self._streams.pop(stream, ("", (), ()))
        for key in keys:
            self._watchers[topic, key].discard(stream)
            if not self._watchers[topic, key]:
                del self._watchers[topic, key]

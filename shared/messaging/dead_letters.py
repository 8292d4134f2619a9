"""What an operator does with dead letters: count them, look at them, send them again, take them away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aio_pika
import orjson
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, DeliveryMode

from shared.ids import new_id
from shared.messaging.contract import CONTENT_TYPE, PUBLISHED_AS_HEADER, REPLAY_HEADER
from shared.messaging.routing import owner_of
from shared.register import Register, dead_letter_queue


@dataclass(frozen=True, slots=True)
class QueueDepth:
    queue: str
    owner: str
    waiting: int
    dead: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`died_at` and `routing_key` are those of the first death; `body` is the parsed event, or raw text if it is none."""

    event_id: str
    routing_key: str
    died_at: datetime | None
    body: Any


async def list_depths(channel: AbstractChannel, register: Register) -> list[QueueDepth]:
    """Every queue of the register with its waiting and dead messages, in the register's order."""
    return [
        QueueDepth(queue, user.name, await _depth(channel, queue), await _depth(channel, dead_letter_queue(queue)))
        for user in register.broker_users
        for queue in user.queues
    ]


async def show(channel: AbstractChannel, register: Register, queue: str) -> list[DeadLetter]:
    """The dead letters of the queue, oldest first; they stay where they are."""
    held = [message async for message in _taken(channel, register, queue)]
    letters = [_letter(message) for message in held]
    for message in reversed(held):
        await message.nack(requeue=True)
    await _back_in(channel, dead_letter_queue(queue), len(held))
    return letters


async def replay(channel: AbstractChannel, register: Register, queue: str) -> int:
    """Send what is dead now to its queue again, to no other; answers how many.

    Each gets five fresh attempts. A crash between sending and acknowledging sends twice, which the inbox makes harmless.
    """
    replay_id, count = str(new_id()), 0
    async for message in _taken(channel, register, queue):
        await channel.default_exchange.publish(_again(message, replay_id), queue, mandatory=True)
        await message.ack()
        count += 1
    return count


async def drain(channel: AbstractChannel, register: Register, queue: str) -> AsyncIterator[DeadLetter]:
    """Take away what is dead now, each letter only after the caller has had it."""
    async for message in _taken(channel, register, queue):
        yield _letter(message)
        await message.ack()


async def _taken(channel: AbstractChannel, register: Register, queue: str) -> AsyncIterator[AbstractIncomingMessage]:
    """As many as are there at the start: what dies again meanwhile is not met a second time. Raises KeyError."""
    owner_of(register, queue)
    dead = await channel.get_queue(dead_letter_queue(queue))
    for _ in range(dead.declaration_result.message_count or 0):
        message = await dead.get(fail=False)
        if message is None:
            return
        yield message


async def _back_in(channel: AbstractChannel, queue: str, count: int) -> None:
    """The broker answers a count before it has put requeued messages back: who looks next should find them there.

    Gives up after two seconds, since somebody else may be taking them.
    """
    for _ in range(100):
        if await _depth(channel, queue) >= count:
            return
        await asyncio.sleep(0.02)


async def _depth(channel: AbstractChannel, queue: str) -> int:
    declared = await channel.declare_queue(queue, passive=True)
    return declared.declaration_result.message_count or 0


def _again(message: AbstractIncomingMessage, replay_id: str) -> aio_pika.Message:
    # Without x-death: its next death is to be its own.
    headers = {
        name: value for name, value in message.headers.items() if not name.startswith(("x-death", "x-first-death"))
    }
    if key := _published_as(message):
        headers[PUBLISHED_AS_HEADER] = key
    return aio_pika.Message(
        message.body,
        message_id=message.message_id,
        type=message.type,
        correlation_id=message.correlation_id,
        timestamp=message.timestamp,
        headers={**headers, REPLAY_HEADER: replay_id},
        content_type=CONTENT_TYPE,
        delivery_mode=DeliveryMode.PERSISTENT,
    )


def _published_as(message: AbstractIncomingMessage) -> str | None:
    """What a publisher says of it by itself is not believed: only what an earlier replay, which alone is let through the
    nameless exchange, has noted."""
    deaths: Any = message.headers.get("x-death") or [{}]
    if not deaths[0].get("exchange"):
        noted = message.headers.get(PUBLISHED_AS_HEADER)
        return str(noted) if noted else None
    return str(deaths[0]["routing-keys"][0])


def _letter(message: AbstractIncomingMessage) -> DeadLetter:
    deaths: Any = message.headers.get("x-death") or [{}]
    try:
        body = orjson.loads(message.body)
    except ValueError:
        body = message.body.decode(errors="replace")
    keys = deaths[0].get("routing-keys") or [message.routing_key]
    return DeadLetter(message.message_id or "-", str(keys[0]), deaths[0].get("time"), body)

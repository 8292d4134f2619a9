"""What a domain listens to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from shared.db.database import UnitOfWork
from shared.messaging.contract import ReceivedEvent

Handler = Callable[[UnitOfWork, ReceivedEvent], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class QueueConsumer:
    """One queue of the register and the handler of each event name that arrives on it."""

    queue: str
    handlers: Mapping[str, Handler]

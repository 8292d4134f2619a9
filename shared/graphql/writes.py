"""Runs a write from outside at most once: one transaction holds the key, the effect, its events and its outcome."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

import orjson

from shared.auth.actor import Actor
from shared.cache.redis_cache import RedisCache
from shared.commands import Command
from shared.db.database import Database, UnitOfWork
from shared.db.idempotency import Outcome, RequestKey, check_fingerprint, claim, fingerprint, record
from shared.errors import Forbidden, Refusal, Unauthenticated
from shared.graphql.late_writers import LateWriters
from shared.telemetry.metrics import IDEMPOTENT_REPLAYS

log = logging.getLogger(__name__)
C = TypeVar("C", bound=Command)
SHORT_TERM = timedelta(minutes=10)


class Writes:
    """`cache` (prefix `idempotency`) is only the fast path for retries; the record in Postgres decides.

    `writers` is there where reports are read on a replica.
    """

    def __init__(self, database: Database, cache: RedisCache, writers: LateWriters | None = None) -> None:
        self._database = database
        self._cache = cache
        self._writers = writers

    async def run(
        self,
        actor: Actor,
        operation: str,
        command: C,
        use_case: Callable[[UnitOfWork, Actor, C], Awaitable[Outcome]],
        *,
        caller: str | None = None,
    ) -> Outcome:
        """The outcome of the first request with this key. Raises IdempotencyKeyReused, Unauthenticated, Forbidden."""
        request = _request_key(caller or actor.caller, operation, command)
        remembered = await self._remembered(request)
        if remembered is not None:
            IDEMPOTENT_REPLAYS.labels("redis").inc()
            return remembered
        async with self._database.unit_of_work(actor.scope()) as uow:
            earlier = await claim(uow.session, request)
            if earlier is not None:
                IDEMPOTENT_REPLAYS.labels("postgres").inc()
                outcome = earlier
            else:
                outcome = await self._attempt(uow, actor, command, use_case)
                await record(uow.session, request, outcome)
        await self._remember(request, outcome)
        if self._writers is not None:
            await self._writers.note(actor.caller)
        return outcome

    async def wrote_lately(self, actor: Actor) -> bool:
        """Whether a replica may not show yet what this actor has written."""
        return self._writers is not None and await self._writers.wrote(actor.caller)

    async def _attempt(
        self,
        uow: UnitOfWork,
        actor: Actor,
        command: C,
        use_case: Callable[[UnitOfWork, Actor, C], Awaitable[Outcome]],
    ) -> Outcome:
        # A refusal undoes the effect but is itself the outcome: a savepoint keeps the two apart.
        hints = list(uow.after_commit)
        try:
            async with uow.session.begin_nested():
                return await use_case(uow, actor, command)
        except (Unauthenticated, Forbidden):
            raise
        except Refusal as refusal:
            uow.after_commit[:] = hints
            return Outcome.refused(refusal)

    async def _remembered(self, request: RequestKey) -> Outcome | None:
        stored = await self._cache.find(_cache_key(request))
        if stored is None:
            return None
        document: dict[str, Any] = orjson.loads(stored)
        check_fingerprint(request, document["fingerprint"])
        return Outcome.from_json(document["outcome"])

    async def _remember(self, request: RequestKey, outcome: Outcome) -> None:
        value = orjson.dumps({"fingerprint": request.fingerprint, "outcome": outcome})
        await self._cache.put(_cache_key(request), value)


def _request_key(caller: str, operation: str, command: Command) -> RequestKey:
    values = command.model_dump(mode="json", exclude={"idempotency_key"})
    return RequestKey(caller, operation, command.idempotency_key, fingerprint(values))


def _cache_key(request: RequestKey) -> str:
    return f"{request.caller}:{request.operation}:{request.key}"

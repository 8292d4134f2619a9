"""What a resolver has at hand: who asks, how to write once, how to read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, ClassVar, Protocol, TypeVar

import strawberry

from shared.auth.actor import Actor
from shared.commands import Command, Input, InvalidFields, validate
from shared.db.database import Database, UnitOfWork
from shared.db.idempotency import Outcome, StoredRefusal
from shared.db.replica import Load
from shared.db.scope import Scope
from shared.graphql.writes import Writes

C = TypeVar("C", bound=Command)
T = TypeVar("T")
UseCase = Callable[[UnitOfWork, Actor, Any], Awaitable[Outcome]]
"""A service's method: it works inside the unit of work it is given, and never commits."""


class CommandInput(Protocol):
    """A Strawberry input that names the pydantic model it must pass."""

    command: ClassVar[type[Input]]


class RequestContext:
    """One GraphQL request of a subgraph. Domains extend it with their service and their loaders."""

    def __init__(self, actor: Actor, database: Database, writes: Writes) -> None:
        self.actor = actor
        self.database = database
        self.writes = writes

    async def report(self, load: Load[T], scope: Scope | None = None) -> T:
        """What `load` reads for a report or a list of staff: on the replica, where that is fresh enough for this actor.

        Whoever has just written reads the own write, on the primary. `load` may run twice.
        """
        if self.database.has_replica and not await self.writes.wrote_lately(self.actor):
            return await self.database.report(load, scope or self.actor.scope())
        return await self.read(load, scope)

    async def read(self, load: Load[T], scope: Scope | None = None) -> T:
        """What `load` reads on the primary, in a short session of its own."""
        async with self.database.read(scope or self.actor.scope()) as session:
            return await load(session)

    async def write(
        self, operation: str, input: CommandInput, use_case: UseCase, *, caller: str | None = None
    ) -> Outcome:
        """Validate the input and run the use case at most once for its idempotency key.

        A refusal that the client must handle comes back inside the outcome; Unauthenticated, Forbidden and a reused
        key are raised. `caller` says whose key it is where that is not the signed-in user (a guest's cart).
        """
        try:
            command = validate(input.command, input_values(input))
        except InvalidFields as invalid:
            return invalid_input(invalid)
        if not isinstance(command, Command):
            raise TypeError(f"{operation} has no idempotency key")
        return await self.writes.run(self.actor, operation, command, use_case, caller=caller)


def invalid_input(invalid: InvalidFields) -> Outcome:
    """An input that failed its model, every problem with its field; nothing is stored."""
    return Outcome({}, tuple(StoredRefusal(p.code, p.message, p.field) for p in invalid.problems))


def input_values(input: object) -> Mapping[str, Any]:
    """A Strawberry input as plain values, without what the client left out."""
    if not is_dataclass(input) or isinstance(input, type):
        raise TypeError("not a Strawberry input")
    return {
        field.name: _plain(value)
        for field in fields(input)
        if (value := getattr(input, field.name)) is not strawberry.UNSET
    }


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return input_values(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value

"""A domain as its tests see it: its schema asked as an actor, events delivered to it, what it published, its tables.

Everything is real but the broker and the network: the same composition root, a migrated Postgres copy, Redis.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from shared.auth.actor import ANONYMOUS, Actor
from shared.clock import MovableClock, format_timestamp
from shared.graphql.endpoint import GraphQLEndpoint
from shared.graphql.subscriptions import Answer, AnswerStream, Subscriptions
from shared.ids import new_id
from shared.messaging.contract import ReceivedEvent
from shared.messaging.inbox import Inbox
from shared.messaging.schemas import EventSchemas
from shared.runtime.resources import open_resources
from shared.runtime.subgraph import Resources, Subgraph
from shared.settings import ServiceSettings
from shared.testing.eventually import PATIENCE_SECONDS
from shared.testing.servers import DomainDatabase


@dataclass(slots=True)
class SubgraphUnderTest:
    """`clock` moves; `statements` counts the SQL statements since the last `reset_statements`."""

    domain: str
    subgraph: Subgraph
    resources: Resources[ServiceSettings]
    clock: MovableClock
    admin: AsyncEngine
    statements: list[str]

    async def execute(
        self, query: str, variables: dict[str, Any] | None = None, *, actor: Actor = ANONYMOUS
    ) -> dict[str, Any]:
        """The answer as the gateway would get it: `data` and, where there are any, `errors`."""
        endpoint = GraphQLEndpoint(self.domain, self.subgraph.schema, self.subgraph.context)
        return await endpoint.execute(actor, query, variables)

    async def open(
        self, query: str, variables: dict[str, Any] | None = None, *, actor: Actor = ANONYMOUS
    ) -> AnswerStream | Answer:
        """The subscription's stream, for the caller to close, or the answer that refuses it."""
        subscriptions = Subscriptions(self.domain, self.subgraph.schema, self.subgraph.context)
        return await subscriptions.open(actor, query, variables)

    @asynccontextmanager
    async def subscribed(
        self, query: str, variables: dict[str, Any] | None = None, *, actor: Actor = ANONYMOUS
    ) -> AsyncIterator[Callable[[], Awaitable[Any]]]:
        """A subscription that must open: each call waits for the data of its next answer, which must have no errors."""
        stream = await self.open(query, variables, actor=actor)
        assert isinstance(stream, AnswerStream), stream

        async def next_data() -> Any:
            async with asyncio.timeout(PATIENCE_SECONDS):
                answer = await stream.next_answer()
            assert answer is not None
            assert "errors" not in answer, answer["errors"]
            return answer["data"]

        try:
            yield next_data
        finally:
            await stream.aclose()

    async def data(self, query: str, variables: dict[str, Any] | None = None, *, actor: Actor = ANONYMOUS) -> Any:
        """The data of an answer that must have no errors."""
        answer = await self.execute(query, variables, actor=actor)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def entities(self, fragment: str, *references: Mapping[str, Any], actor: Actor = ANONYMOUS) -> list[Any]:
        """`_entities` with an inline fragment such as `... on Product { rating { count } }`."""
        query = "query($r: [_Any!]!) { _entities(representations: $r) { %s } }" % fragment  # noqa: UP031 — braces.
        found: list[Any] = (await self.data(query, {"r": [dict(r) for r in references]}, actor=actor))["_entities"]
        return found

    async def deliver(
        self,
        name: str,
        payload: Mapping[str, Any],
        *,
        event_id: UUID | None = None,
        aggregate_id: UUID | None = None,
        version: int = 1,
    ) -> None:
        """Hand an event to every queue of the domain that handles it, once per event id, as the inbox does.

        The payload must fit its schema.
        """
        event = ReceivedEvent(
            id=event_id or new_id(),
            name=name,
            version="1.0",
            occurred_at=self.clock(),
            payload=payload,
            aggregate_id=aggregate_id or new_id(),
            aggregate_version=version,
            correlation_id=str(new_id()),
            causation_id=None,
            idempotency_key=f"{name.partition('.')[0]}:{event_id}",
        )
        EventSchemas().check_written(name, "1.0", payload)
        for consumer in self.subgraph.consumers:
            handler = consumer.handlers.get(name)
            if handler is None:
                continue
            await Inbox(self.resources.database, consumer.queue).take(event, handler)

    async def events(self, name: str | None = None) -> list[dict[str, Any]]:
        """What lies in the outbox, in order: `event_name`, `aggregate_id`, `aggregate_version`, `payload`."""
        rows = await self.rows(
            "SELECT event_name, aggregate_id, aggregate_version, payload FROM outbox ORDER BY position"
        )
        return [row for row in rows if name in (None, row["event_name"])]

    async def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        """Rows as the superuser sees them, unqualified names in the domain's schema."""
        async with self.admin.begin() as connection:
            await connection.execute(text(f"SET LOCAL search_path TO {self.domain}"))
            found = await connection.execute(text(statement), values)
            return [dict(row._mapping) for row in found] if found.returns_rows else []  # noqa: SLF001 — public name.

    def reset_statements(self) -> None:
        self.statements.clear()

    def now(self) -> str:
        return format_timestamp(self.clock())


@asynccontextmanager
async def subgraph_under_test(
    domain: str, database: DomainDatabase, redis_url: str, *, jwks_file: Path = Path("/dev/null"), **settings: Any
) -> AsyncIterator[SubgraphUnderTest]:
    """The domain composed as in production; `settings` are the domain's own."""
    module = importlib.import_module(f"subgraphs.{domain}.app")
    configured = module.SETTINGS(
        postgres_url=database.url,
        postgres_pooler=database.pooled,
        redis_url=redis_url,
        rabbitmq_url="amqp://unused",
        gateway_jwks_file=jwks_file,
        **settings,
    )
    clock = MovableClock()
    admin = create_async_engine(
        database.admin_url.replace("postgresql://", "postgresql+asyncpg://"), poolclass=NullPool
    )
    async with open_resources(domain, configured, clock=clock) as resources:
        statements: list[str] = []

        @sqlalchemy_event.listens_for(resources.database.engine.sync_engine, "before_cursor_execute")
        def _record(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            statements.append(statement)

        yield SubgraphUnderTest(domain, module.build(resources), resources, clock, admin, statements)
    await admin.dispose()

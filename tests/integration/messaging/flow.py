"""A small marketplace for the delivery tests: `sellers` publishes, `reviews` listens, both on real servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import aio_pika
import asyncpg
from aio_pika.abc import AbstractChannel
from sqlalchemy import text

from shared.clock import system_clock
from shared.db.database import Database, UnitOfWork
from shared.db.scope import Scope
from shared.ids import new_id
from shared.messaging.consumer import Handler, QueueConsumer
from shared.messaging.contract import JSON, DomainEvent, ReceivedEvent
from shared.messaging.outbox import Outbox
from shared.messaging.publisher import Publisher
from shared.messaging.relay import Relay
from shared.messaging.schemas import EventSchemas
from shared.messaging.subscriber import Subscriber
from shared.messaging.topology import declare_topology
from shared.register import Register, Subgraph
from shared.testing.servers import Broker, MarketplaceDatabase

QUEUE = "reviews.projector"
REGISTER = Register(
    subgraphs=(
        Subgraph(name="sellers", port=4102, publishes=("seller", "commission_rule")),
        Subgraph(
            name="reviews", port=4107, publishes=("review",), queues={QUEUE: ("seller.approved", "seller.suspended")}
        ),
    )
)
_EFFECT = text("INSERT INTO effect (event_id, aggregate_id, aggregate_version) VALUES (:id, :aggregate, :version)")


async def nothing() -> None:
    """A wake that wakes nobody."""


async def record(uow: UnitOfWork, event: ReceivedEvent) -> None:
    """A handler whose effect can be counted."""
    values = {"id": event.id, "aggregate": event.aggregate_id, "version": event.aggregate_version}
    await uow.session.execute(_EFFECT, values)


def approved(seller_id: UUID | None = None, version: int = 1, name: str = "Tea & Co") -> DomainEvent:
    seller_id = seller_id or new_id()
    return DomainEvent(
        name="seller.approved",
        aggregate="seller",
        aggregate_id=seller_id,
        aggregate_version=version,
        payload={
            "seller_id": str(seller_id),
            "version": version,
            "owner_id": str(new_id()),
            "name": name,
            "actor_id": str(new_id()),
            "commission_bps": 1000,
        },
    )


def suspended(seller_id: UUID, version: int) -> DomainEvent:
    payload: dict[str, JSON] = {
        "seller_id": str(seller_id),
        "version": version,
        "owner_id": str(new_id()),
        "actor_id": str(new_id()),
    }
    return DomainEvent("seller.suspended", "seller", seller_id, version, payload | {"reason": "fraud"})


def reinstated(seller_id: UUID, version: int) -> DomainEvent:
    """An event that no queue of this register is bound to."""
    payload: dict[str, JSON] = {
        "seller_id": str(seller_id),
        "version": version,
        "owner_id": str(new_id()),
        "actor_id": str(new_id()),
    }
    return DomainEvent("seller.reinstated", "seller", seller_id, version, payload)


async def eventually(condition: Callable[[], Awaitable[bool]], *, seconds: float = 20) -> None:
    """Returns as soon as the condition holds; fails with its name after the deadline."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 — What is awaited lies in another process.
            await asyncio.sleep(0.02)


@dataclass
class Flow:
    """`producer` and `consumer` are the run-time logins of sellers and reviews."""

    database: MarketplaceDatabase
    broker: Broker
    producer: Database
    consumer: Database
    schemas: EventSchemas
    admin: asyncpg.Connection[Any]
    stack: AsyncExitStack
    channel: AbstractChannel = field(init=False)

    @property
    def outbox(self) -> Outbox:
        return Outbox("sellers", self.schemas, system_clock, nothing, register=REGISTER)

    def addresses(self, domain: str) -> dict[str, str]:
        """The environment of a process that relays or consumes for the domain."""
        database = self.database.of(domain)
        pooled = str(database.pooled).lower()
        return {"POSTGRES_URL": database.url, "POSTGRES_POOLER": pooled, "BROKER_URL": self.broker.url(domain)}

    def relay(self, publisher: Publisher | None = None, poll_seconds: float = 0.05) -> Relay:
        return Relay(
            self.producer,
            self.broker.url("sellers"),
            "sellers",
            register=REGISTER,
            publisher=publisher,
            poll_seconds=poll_seconds,
        )

    def subscriber(
        self, handlers: Mapping[str, Handler] | None = None, *, database: Database | None = None
    ) -> Subscriber:
        consumer = QueueConsumer(QUEUE, handlers or {"seller.approved": record, "seller.suspended": record})
        return Subscriber(
            database or self.consumer,
            self.broker.url("reviews"),
            [consumer],
            self.schemas,
            backoff=(0.0, 0.0, 0.0, 0.0),
        )

    async def commit(self, *events: DomainEvent) -> None:
        async with self.producer.unit_of_work(Scope.ALL) as uow:
            await self.outbox.append(uow, *events)

    async def relay_all(self) -> int:
        """Relay until the outbox has nothing more to give; answers how many events left."""
        relay, total = self.relay(), 0
        while sent := await relay.relay_once():
            total += sent
        await relay._publisher.close()
        return total

    async def count(self, table: str) -> int:
        count: int = await self.admin.fetchval(f"SELECT count(*) FROM {table}")
        return count

    async def depth(self, queue: str) -> int:
        declared = await self.channel.declare_queue(queue, passive=True)
        return declared.declaration_result.message_count or 0

    async def clean(self) -> None:
        await self.admin.execute(
            "TRUNCATE sellers.outbox, sellers.event_log, reviews.inbox, reviews.delivery_attempt, reviews.effect"
        )
        if self.channel.is_closed:  # A test has restarted the broker.
            await self.connect()
        for queue in (QUEUE, f"{QUEUE}.dlq"):
            await (await self.channel.get_queue(queue)).purge()

    async def connect(self) -> None:
        # A plain connection: a robust one answers how deep a queue was when it first asked.
        connection = await aio_pika.connect(self.broker.amqp_url)
        await self.stack.enter_async_context(connection)
        self.channel = await connection.channel()

    async def settled(self, effects: int) -> None:
        """Wait until that many effects are there, and neither outbox nor queue has anything left."""

        async def done() -> bool:
            waiting = await self.count("sellers.outbox") + await self.depth(QUEUE)
            return waiting == 0 and await self.count("reviews.effect") >= effects

        await eventually(done)


@asynccontextmanager
async def running(*processes: Relay | Subscriber) -> AsyncIterator[None]:
    """Run relays and subscribers beside the block, as a worker process does."""
    tasks = [asyncio.create_task(process.run()) for process in processes]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


@asynccontextmanager
async def open_flow(database: MarketplaceDatabase, broker: Broker) -> AsyncIterator[Flow]:
    declare_topology(
        REGISTER, amqp_url=broker.amqp_url, management_url=broker.management_url, passwords=broker.passwords.rabbitmq
    )
    admin = await asyncpg.connect(database.admin_url)
    await admin.execute(
        "CREATE TABLE reviews.effect (event_id uuid, aggregate_id uuid, aggregate_version bigint,"
        " at bigint GENERATED ALWAYS AS IDENTITY); GRANT SELECT, INSERT ON reviews.effect TO reviews"
    )
    producer = database.of("sellers").open("sellers")
    consumer = database.of("reviews").open("reviews")
    async with AsyncExitStack() as stack:
        for closing in (admin.close, producer.close, consumer.close):
            stack.push_async_callback(closing)
        flow = Flow(database, broker, producer, consumer, EventSchemas(), admin, stack)
        await flow.connect()
        yield flow

"""What balancers and the broker see of a process: what it lacks, that it is about to stop, and how it leaves."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import aio_pika
import asyncpg
import httpx
import pytest
from aio_pika.abc import AbstractChannel, AbstractExchange

from shared.auth.actor import Actor, Role
from shared.ids import new_id
from shared.register import EXCHANGE
from shared.testing.eventually import eventually
from shared.testing.sql import rows
from tests.fixtures.forwarding import Line
from tests.fixtures.processes import ServiceProcess, Services
from tests.integration.runtime.wire import a_token, order_delivered

CLIENTS = 4
QUEUE = "reviews.projector"
RECORDER = "audit.recorder"
MODERATION = {"query": "{ moderationQueue(first: 1) { edges { node { id } } } }"}


@pytest.fixture(scope="module")
async def postgres(services: Services) -> AsyncIterator[Line]:
    async with line_to(services.database.of("reviews").url) as line:
        yield line


@pytest.fixture(scope="module")
async def rabbitmq(services: Services) -> AsyncIterator[Line]:
    async with line_to(services.broker.url("reviews")) as line:
        yield line


@pytest.fixture(scope="module")
async def api(services: Services, postgres: Line) -> ServiceProcess:
    return await services.start("api", "reviews", POSTGRES_URL=postgres.through, SHUTDOWN_DELAY="2")


@pytest.fixture(scope="module")
async def worker(services: Services, rabbitmq: Line) -> ServiceProcess:
    return await services.start("worker", "reviews", RABBITMQ_URL=rabbitmq.through)


@pytest.fixture(scope="module")
async def next_api(services: Services) -> ServiceProcess:
    return await services.start("api", "reviews")


@pytest.fixture(scope="module")
async def next_worker(services: Services) -> ServiceProcess:
    return await services.start("worker", "reviews")


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[Line]:
    line = Line(url)
    await line.mend()
    yield line
    await line.cut()


@asynccontextmanager
async def locked(services: Services, *tables: str) -> AsyncIterator[None]:
    """Nobody writes to these tables of reviews, or reads them, before the block ends."""
    connection = await asyncpg.connect(services.database.admin_url)
    try:
        names = ", ".join(f"reviews.{table}" for table in tables)
        await connection.execute(f"BEGIN; LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
        yield
    finally:
        await connection.close()


def says(process: ServiceProcess, path: str, status: int) -> Callable[[], Awaitable[bool]]:
    """Whether the operations port answers so."""

    async def look() -> bool:
        url = f"http://127.0.0.1:{process.operations_port}/health/{path}"
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            return (await client.get(url)).status_code == status

    return look


async def ended(process: ServiceProcess) -> int:
    return await asyncio.to_thread(process.popen.wait, 60)


def asking(services: Services, port: int) -> httpx.AsyncClient:
    staff = Actor(user_id=new_id(), roles=frozenset({Role.ADMIN}))
    headers = {"authorization": f"Bearer {a_token(services.secrets, actor=staff)}"}
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False, timeout=60)


@dataclass
class Traffic:
    """`answers` are statuses, with `close` where the answer ends its connection; `events` were published."""

    answers: list[tuple[int, str]] = field(default_factory=list)
    events: list[UUID] = field(default_factory=list)
    product: UUID = field(default_factory=new_id)
    over: bool = False

    async def ask(self, client: httpx.AsyncClient) -> None:
        while not self.over:
            answer = await client.post("/graphql", json=MODERATION)
            self.answers.append((answer.status_code, answer.headers.get("connection", "kept")))

    async def tell(self, exchange: AbstractExchange) -> None:
        while not self.over:
            event_id = new_id()
            await exchange.publish(order_delivered(event_id, self.product), "order.delivered")
            self.events.append(event_id)
            # A stream, no flood: the workers shall keep up.
            await asyncio.sleep(0.02)

    async def goes_on(self) -> None:
        asked, told = len(self.answers) + 40, len(self.events) + 40

        async def more() -> bool:
            return len(self.answers) >= asked and len(self.events) >= told

        await eventually("more traffic", more)


@asynccontextmanager
async def flowing(services: Services, port: int) -> AsyncIterator[Traffic]:
    """Traffic beside the block; raises what any of it met."""
    traffic = Traffic()
    async with AsyncExitStack() as held:
        clients = [await held.enter_async_context(asking(services, port)) for _ in range(CLIENTS)]
        connection = await held.enter_async_context(await aio_pika.connect(services.broker.amqp_url))
        exchange = await (await connection.channel()).get_exchange(EXCHANGE, ensure=False)
        flows = [asyncio.create_task(traffic.ask(client)) for client in clients]
        flows.append(asyncio.create_task(traffic.tell(exchange)))
        try:
            await traffic.goes_on()
            yield traffic
        finally:
            traffic.over = True
            await asyncio.gather(*flows)


async def test_a_process_without_what_it_stands_on_is_alive_and_not_ready(
    api: ServiceProcess, worker: ServiceProcess, postgres: Line, rabbitmq: Line
) -> None:
    # given an API and a worker that are ready, when what they need goes away
    for process, line in ((api, postgres), (worker, rabbitmq)):
        await line.cut()
        # then they want no more work, and need no restart
        await eventually("not ready", says(process, "ready", 503))
        assert await says(process, "live", 200)()
        # and they are ready again by themselves when it is back
        await line.mend()
        await eventually("ready", says(process, "ready", 200))


async def test_processes_are_replaced_under_load_and_nobody_notices(
    services: Services,
    api: ServiceProcess,
    worker: ServiceProcess,
    next_api: ServiceProcess,
    next_worker: ServiceProcess,
) -> None:
    # given requests without a pause, to an address that leads to the one API, and events for two workers
    async with line_to(f"http://127.0.0.1:{api.port}") as address, flowing(services, address.port) as traffic:
        # when the address leads to the next one, and the API and a worker are told to stop
        address.url = f"http://127.0.0.1:{next_api.port}"
        for process in (api, worker):
            process.popen.send_signal(signal.SIGTERM)
        # then they end well
        assert [await ended(process) for process in (api, worker)] == [0, 0]
        await traffic.goes_on()
    # and every request was answered, the last one on an old connection with the word that it ends
    assert set(traffic.answers) == {(200, "kept"), (200, "close")}
    assert traffic.answers.count((200, "close")) <= CLIENTS
    # and every event took effect, once
    database = services.database.of("reviews")
    taken = "SELECT count(*) AS n FROM inbox WHERE event_id = ANY(:events)"

    async def all_taken() -> bool:
        return await rows(database, taken, events=traffic.events) == [{"n": len(traffic.events)}]

    await eventually("every event", all_taken)
    lines = await rows(database, "SELECT count(*) AS n FROM delivered_line WHERE product_id = :p", p=traffic.product)
    assert lines == [{"n": len(traffic.events)}]


async def test_a_worker_that_is_told_to_stop_finishes_what_it_has_in_hand_and_takes_no_more(
    services: Services, next_worker: ServiceProcess
) -> None:
    database = services.database.of("reviews")
    async with await aio_pika.connect(services.broker.amqp_url) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(QUEUE)
        await (await channel.get_queue(RECORDER)).purge()
        exchange = await channel.get_exchange(EXCHANGE, ensure=False)
        first, product = new_id(), new_id()
        # given a worker in the middle of a message, whose relay has published an event and not yet marked it as sent
        async with locked(services, "delivered_line", "event_log"):
            await write_event(services)
            await exchange.publish(order_delivered(first, product), "order.delivered")
            await eventually("the message is in hand", lambda: held(channel, QUEUE, ready=0, consumers=1))
            await eventually("the event is published", lambda: held(channel, RECORDER, ready=2, consumers=0))
            # when it is told to stop
            next_worker.popen.send_signal(signal.SIGTERM)
            # then it says so and leaves its queue, so that what comes now is somebody else's
            await eventually("not ready", says(next_worker, "ready", 503))
            await eventually("it has left", lambda: held(channel, QUEUE, ready=0, consumers=0))
            for _ in range(3):
                await exchange.publish(order_delivered(new_id(), product), "order.delivered")
            await eventually("the others wait", lambda: held(channel, QUEUE, ready=3, consumers=0))
        assert await ended(next_worker) == 0
        # and what it had in hand took effect, was acknowledged and marked
        assert await rows(database, "SELECT event_id FROM inbox WHERE event_id = :e", e=first) == [{"event_id": first}]
        lines = await rows(database, "SELECT count(*) AS n FROM delivered_line WHERE product_id = :p", p=product)
        assert lines == [{"n": 1}]
        sent = await rows(database, "SELECT (SELECT count(*) FROM outbox) AS o, (SELECT count(*) FROM event_log) AS l")
        assert sent == [{"o": 0, "l": 1}]
        # and nothing was handed out that has to be delivered again
        waiting = [await queue.get(no_ack=True, timeout=10) for _ in range(3)]
        assert [message.redelivered for message in waiting] == [False] * 3
        # and the event was published once
        assert await held(channel, RECORDER, ready=5, consumers=0)


async def test_an_api_that_is_told_to_stop_answers_what_it_was_asked(
    services: Services, next_api: ServiceProcess
) -> None:
    async with asking(services, next_api.port) as client:
        # given a request that is being answered
        async with locked(services, "review"):
            asked = asyncio.create_task(client.post("/graphql", json=MODERATION))
            await eventually("the request waits", lambda: blocked(services))
            # when the process is told to stop
            next_api.popen.send_signal(signal.SIGTERM)
            await eventually("not ready", says(next_api, "ready", 503))
        # then it is answered, and the process ends well
        assert (await asked).json() == {"data": {"moderationQueue": {"edges": []}}}
        assert await ended(next_api) == 0


async def write_event(services: Services) -> None:
    """As a use case would: a row in the outbox of reviews."""
    payload = {
        "review_id": str(new_id()),
        "product_id": str(new_id()),
        "seller_id": str(new_id()),
        "author_id": str(new_id()),
        "rating": 5,
    }
    await rows(
        services.database.of("reviews"),
        "INSERT INTO outbox (id, event_name, event_version, occurred_at, idempotency_key, aggregate_id,"
        " aggregate_version, payload, headers) VALUES (:id, 'review.submitted', '1.0', now(), :key, :id, 1,"
        " CAST(:payload AS jsonb), CAST(:headers AS jsonb))",
        id=new_id(),
        key=f"review:{new_id()}",
        payload=json.dumps(payload),
        headers=json.dumps({"correlation_id": str(new_id())}),
    )


async def held(channel: AbstractChannel, queue: str, *, ready: int, consumers: int) -> bool:
    """Whether so many messages wait in the queue and so many consumers read it."""
    found = (await channel.declare_queue(queue, passive=True)).declaration_result
    return (found.message_count, found.consumer_count) == (ready, consumers)


async def blocked(services: Services) -> bool:
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = 'reviews'"
    return bool(await rows(services.database.of("reviews"), waiting))

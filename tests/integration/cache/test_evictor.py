"""The evictor as a process, on a real broker and a Redis of its own that comes and goes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import aio_pika
import httpx
import orjson
import pytest
from aio_pika.abc import AbstractChannel
from redis.asyncio import Redis

from shared.cache.entries import EDGE, Entry
from shared.cache.tagged_cache import LONGEST, TaggedCache
from shared.clock import system_clock
from shared.devstack.ports import free_ports
from shared.devstack.servers.redis import RedisServer
from shared.devstack.services import inherited
from shared.ids import new_id
from shared.messaging.contract import RecordedEvent, encode
from shared.messaging.topology import declare_topology
from shared.register import EXCHANGE, PROJECT_ROOT, dead_letter_queue, load_register
from shared.testing.eventually import eventually
from shared.testing.servers import Broker
from tests.fixtures.processes import ServiceProcess

REGISTER = load_register()
QUEUE = "edge.evictor"


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    folder, (port,) = tmp_path_factory.mktemp("redis"), free_ports(1)
    server = RedisServer(folder, port, "secret", folder / "redis.log", tied=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
async def evictor(
    broker: Broker, own_redis: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """The address of its health and metrics, once it is ready."""
    declare_topology(
        REGISTER, amqp_url=broker.amqp_url, management_url=broker.management_url, passwords=broker.passwords.rabbitmq
    )
    process = _start(broker, own_redis, tmp_path_factory.mktemp("evictor") / "evictor.log")
    try:
        await process.ready()
        yield f"http://127.0.0.1:{process.operations_port}"
    finally:
        process.stop()
    assert process.popen.returncode == 0


def _start(broker: Broker, own_redis: RedisServer, log: Path) -> ServiceProcess:
    (port,) = free_ports(1)
    settings = {"RABBITMQ_URL": broker.url("evictor"), "REDIS_URL": own_redis.url, "OPERATIONS_PORT": str(port)}
    with log.open("wb") as output:
        popen = subprocess.Popen(
            [sys.executable, "-m", "supergraph.evictor"],
            cwd=PROJECT_ROOT,
            env=inherited() | settings,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return ServiceProcess("evictor", popen, log, port, port)


@pytest.fixture
async def channel(broker: Broker, evictor: str) -> AsyncIterator[AbstractChannel]:
    async with await aio_pika.connect(broker.amqp_url) as connection:
        yield await connection.channel()


@pytest.fixture
async def cache(own_redis: RedisServer) -> AsyncIterator[TaggedCache]:
    async with Redis.from_url(own_redis.url) as redis:
        yield TaggedCache(redis, EDGE)


async def keep(cache: TaggedCache, **tags: str) -> None:
    """One entry for each name, with that tag."""
    moment = (await cache.look(list(tags))).moment
    entries = {name: Entry(b"{}", frozenset({tag}), LONGEST) for name, tag in tags.items()}
    assert await cache.write(entries, moment) == len(tags)


async def left(cache: TaggedCache, *names: str) -> set[str]:
    found = (await cache.look(names)).found
    return {name for name, entry in zip(names, found, strict=True) if entry}


async def tell(channel: AbstractChannel, name: str, **payload: Any) -> None:
    """Publish an event as the relay of its domain does."""
    event_id = new_id()
    wire = encode(
        RecordedEvent(
            id=event_id,
            name=name,
            version="1.0",
            occurred_at=system_clock(),
            idempotency_key=f"{name.partition('.')[0]}:{event_id}",
            aggregate_id=UUID(payload["variant_id"]),
            aggregate_version=1,
            payload=_json(payload),
            headers={"correlation_id": "c"},
        )
    )
    message = aio_pika.Message(
        wire.body, message_id=wire.message_id, correlation_id=wire.correlation_id, headers=dict(wire.headers)
    )
    exchange = await channel.get_exchange(EXCHANGE, ensure=False)
    await exchange.publish(message, name)


def _json(payload: dict[str, Any]) -> str:
    return orjson.dumps(payload).decode()


def stock_changed(variant_id: str, product_id: str) -> dict[str, Any]:
    return {
        "variant_id": variant_id,
        "product_id": product_id,
        "seller_id": str(new_id()),
        "available": 3,
        "version": 1,
    }


async def depth(channel: AbstractChannel, queue: str) -> int:
    return (await channel.declare_queue(queue, passive=True)).declaration_result.message_count or 0


async def test_an_event_evicts_what_the_register_says_and_nothing_else(
    channel: AbstractChannel, cache: TaggedCache, evictor: str
) -> None:
    variant, product = str(new_id()), str(new_id())
    await keep(cache, a=f"Variant:{variant}", b=f"Product:{product}", c=f"Variant:{new_id()}", d="Product:*")

    await tell(channel, "inventory.stock_changed", **stock_changed(variant, product))

    async def evicted() -> bool:
        return await left(cache, "a", "b", "c", "d") == {"c", "d"}

    await eventually("the eviction", evicted)
    async with httpx.AsyncClient(trust_env=False) as client:
        metrics = (await client.get(f"{evictor}/metrics")).text
    assert 'edge_evictions_total{event="inventory.stock_changed"} 2.0' in metrics


async def test_what_is_no_event_goes_to_the_dead_letters_and_holds_nobody_up(
    channel: AbstractChannel, cache: TaggedCache
) -> None:
    variant = str(new_id())
    await keep(cache, a=f"Variant:{variant}")
    exchange = await channel.get_exchange(EXCHANGE, ensure=False)
    await exchange.publish(aio_pika.Message(b'{"event_name": "x"}'), "inventory.stock_changed")
    await tell(channel, "inventory.stock_changed", variant_id=variant, product_id="no uuid")

    async def dead() -> bool:
        return await depth(channel, dead_letter_queue(QUEUE)) == 2

    await eventually("two dead letters", dead)
    assert await left(cache, "a") == {"a"}
    await tell(channel, "inventory.stock_changed", **stock_changed(variant, str(new_id())))

    async def evicted() -> bool:
        return not await left(cache, "a")

    await eventually("the eviction", evicted)


async def test_an_eviction_waits_for_a_redis_that_is_away(
    channel: AbstractChannel, own_redis: RedisServer, evictor: str
) -> None:
    # given an event that comes while Redis is away
    variant, seen = str(new_id()), await _deferred(evictor)
    own_redis.stop()
    await tell(channel, "inventory.stock_changed", **stock_changed(variant, str(new_id())))

    async def tried() -> bool:
        return await _deferred(evictor) > seen

    await eventually("an eviction that failed", tried)
    # when Redis is back
    own_redis.start()
    async with Redis.from_url(own_redis.url) as redis:

        async def stamped() -> bool:
            return bool(await redis.exists(f"{EDGE}:evicted:Variant:{variant}"))

        # then the eviction comes, and nothing is dead
        await eventually("the eviction", stamped)
    assert await depth(channel, QUEUE) == 0


async def _deferred(evictor: str) -> float:
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"{evictor}/metrics")).text
    line = f'events_consumed_total{{consumer="{QUEUE}",outcome="deferred"}} '
    return next((float(found.removeprefix(line)) for found in text.splitlines() if found.startswith(line)), 0.0)

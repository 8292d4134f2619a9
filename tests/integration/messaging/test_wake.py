"""A commit wakes the relay at once; without Redis it is only later."""

from __future__ import annotations

import asyncio

from redis.asyncio import Redis

from shared.clock import system_clock
from shared.db.scope import Scope
from shared.messaging.outbox import Outbox
from shared.messaging.relay import Relay
from shared.messaging.wake import RelayWake
from tests.integration.messaging.flow import REGISTER, Flow, approved, eventually, running

AN_HOUR = 3600.0


async def subscribers(redis: Redis) -> int:
    ((_, count),) = await redis.pubsub_numsub("relay:sellers")
    return int(count)


async def test_a_commit_wakes_a_relay_that_would_poll_only_in_an_hour(flow: Flow, redis_url: str) -> None:
    # A client with a short timeout for commands, as services have: waiting for a hint must not run into it.
    redis = Redis.from_url(redis_url, socket_timeout=0.05)
    wake = RelayWake(redis, "sellers")
    relay = Relay(
        flow.producer,
        flow.broker.url("sellers"),
        "sellers",
        wake=wake,
        register=REGISTER,
        poll_seconds=AN_HOUR,
    )
    outbox = Outbox("sellers", flow.schemas, system_clock, wake.send, register=REGISTER)
    async with running(relay):

        async def listening() -> bool:
            return await subscribers(redis) == 1

        await eventually(listening)
        for sent in range(1, 4):
            async with flow.producer.unit_of_work(Scope.ALL) as uow:
                await outbox.append(uow, approved())

            async def moved(sent: int = sent) -> bool:
                return await flow.count("sellers.event_log") == sent

            await eventually(moved)
    await redis.aclose()


async def test_a_commit_succeeds_while_redis_is_away(flow: Flow) -> None:
    nowhere = Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=0.5)
    outbox = Outbox("sellers", flow.schemas, system_clock, RelayWake(nowhere, "sellers").send, register=REGISTER)

    async with asyncio.timeout(10), flow.producer.unit_of_work(Scope.ALL) as uow:
        await outbox.append(uow, approved())

    assert await flow.relay_all() == 1
    await nowhere.aclose()

"""A write from outside happens once for its key: concurrently, repeatedly, with Redis emptied or away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from shared.auth.actor import Actor
from shared.cache.redis_cache import RedisCache
from shared.commands import Command
from shared.db.database import Database, UnitOfWork
from shared.db.idempotency import IdempotencyKeyReused, Outcome
from shared.db.scope import Scope
from shared.errors import Conflict
from shared.graphql.writes import Writes
from shared.ids import new_id
from shared.testing.servers import DomainDatabase

# Production pools by transaction: so does this module, in every run.
pytestmark = pytest.mark.pooled


class Place(Command):
    amount: int


@pytest.fixture(scope="module")
async def database(database_for: Callable[[str], DomainDatabase]) -> AsyncIterator[Database]:
    opened = database_for("reviews").open("reviews")
    yield opened
    await opened.close()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


def writes_over(database: Database, redis: Redis) -> Writes:
    return Writes(database, RedisCache(redis, prefix="idempotency:test", ttl=timedelta(minutes=1)))


async def place(uow: UnitOfWork, actor: Actor, command: Place) -> Outcome:
    """An effect that can be counted: one row in product_rating an execution."""
    product_id = new_id()
    await uow.session.execute(
        text("INSERT INTO product_rating VALUES (:p, :s, 0, :amount, 1)"),
        {"p": product_id, "s": actor.user_id, "amount": command.amount},
    )
    return Outcome.of(product=product_id)


async def effects(database: Database, actor: Actor) -> int:
    async with database.read(Scope.ALL) as session:
        counted = await session.scalar(
            text("SELECT count(*) FROM product_rating WHERE seller_id = :s"), {"s": actor.user_id}
        )
    return int(counted or 0)


async def test_the_same_key_fifty_times_at_once_is_one_effect(database: Database, redis: Redis) -> None:
    # given fifty requests with one key
    actor, writes = Actor(user_id=new_id()), writes_over(database, redis)
    command = Place(idempotency_key=str(new_id()), amount=7)
    # when all run side by side
    outcomes = await asyncio.gather(*[writes.run(actor, "place", command, place) for _ in range(50)])
    # then all have the one outcome of one execution
    assert len({outcome.ids["product"] for outcome in outcomes}) == 1
    assert await effects(database, actor) == 1


async def test_an_emptied_redis_changes_no_replay(database: Database, redis: Redis) -> None:
    actor, writes = Actor(user_id=new_id()), writes_over(database, redis)
    command = Place(idempotency_key=str(new_id()), amount=7)
    first = await writes.run(actor, "place", command, place)
    await redis.flushall()
    assert await writes.run(actor, "place", command, place) == first
    assert await effects(database, actor) == 1


async def test_writes_go_on_while_redis_is_away(database: Database) -> None:
    # given a Redis where nobody answers
    async with Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=1) as nowhere:
        actor, writes = Actor(user_id=new_id()), writes_over(database, nowhere)
        command = Place(idempotency_key=str(new_id()), amount=7)
        # when a write is sent twice
        first = await writes.run(actor, "place", command, place)
        second = await writes.run(actor, "place", command, place)
    # then it happened once
    assert first == second
    assert await effects(database, actor) == 1


@pytest.mark.parametrize("flush", [False, True], ids=["remembered by redis", "remembered by postgres"])
async def test_other_input_with_a_used_key_is_an_error_and_no_effect(
    database: Database, redis: Redis, *, flush: bool
) -> None:
    actor, writes, key = Actor(user_id=new_id()), writes_over(database, redis), str(new_id())
    await writes.run(actor, "place", Place(idempotency_key=key, amount=7), place)
    if flush:
        await redis.flushall()
    with pytest.raises(IdempotencyKeyReused):
        await writes.run(actor, "place", Place(idempotency_key=key, amount=8), place)
    assert await effects(database, actor) == 1


async def test_a_key_belongs_to_its_caller_and_its_operation(database: Database, redis: Redis) -> None:
    actor, other, writes = Actor(user_id=new_id()), Actor(user_id=new_id()), writes_over(database, redis)
    command = Place(idempotency_key=str(new_id()), amount=7)
    outcomes = [
        await writes.run(actor, "place", command, place),
        await writes.run(actor, "replace", command, place),
        await writes.run(other, "place", command, place),
    ]
    assert len({outcome.ids["product"] for outcome in outcomes}) == 3


async def test_a_refusal_undoes_its_effect_and_is_replayed_as_it_was(database: Database, redis: Redis) -> None:
    # given a use case that writes and then refuses
    actor, writes, calls = Actor(user_id=new_id()), writes_over(database, redis), 0

    async def refuse(uow: UnitOfWork, actor: Actor, command: Place) -> Outcome:
        nonlocal calls
        calls += 1
        await place(uow, actor, command)
        raise Conflict("SOLD_OUT", "Nothing is left.", field=("amount",))

    command = Place(idempotency_key=str(new_id()), amount=7)
    # when it is sent, and again after Redis forgot
    first = await writes.run(actor, "place", command, refuse)
    await redis.flushall()
    again = await writes.run(actor, "place", command, refuse)
    # then the refusal is the outcome both times, of one execution without effect
    assert [(r.code, r.field) for r in first.refusals] == [("SOLD_OUT", ("amount",))]
    assert again == first
    assert calls == 1
    assert await effects(database, actor) == 0


async def test_a_crash_stores_nothing_so_that_the_retry_executes(database: Database, redis: Redis) -> None:
    actor, writes = Actor(user_id=new_id()), writes_over(database, redis)
    command = Place(idempotency_key=str(new_id()), amount=7)

    async def crash(uow: UnitOfWork, actor: Actor, command: Place) -> Outcome:
        await place(uow, actor, command)
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        await writes.run(actor, "place", command, crash)
    assert await effects(database, actor) == 0
    await writes.run(actor, "place", command, place)
    assert await effects(database, actor) == 1
